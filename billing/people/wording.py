"""What Flask-Security says to people, in our words."""

from __future__ import annotations

MESSAGES = {
    "API_ERROR": ("That did not work. Nothing was changed. Please start again.", "error"),
    "GENERIC_AUTHN_FAILED": (
        "This e-mail address and password do not match. Check both, or reset your password.",
        "error",
    ),
    "UNAUTHENTICATED": ("Please sign in to see this page.", "info"),
    "REAUTHENTICATION_REQUIRED": (
        "It has been a while since you signed in. Confirm that it is you to go on.",
        "info",
    ),
    "REAUTHENTICATION_SUCCESSFUL": ("Thank you. You can go on now.", "success"),
    "CONFIRM_REGISTRATION": ("We sent a link to %(email)s.", "success"),
    "EMAIL_CONFIRMED": ("Your e-mail address is confirmed.", "success"),
    "ALREADY_CONFIRMED": ("This address is confirmed already. You can sign in.", "info"),
    "INVALID_CONFIRMATION_TOKEN": (
        "This link is not valid any more. Ask for a new one here.",
        "error",
    ),
    "CONFIRMATION_EXPIRED": ("This link has expired. Ask for a new one here.", "error"),
    "CONFIRMATION_REQUIRED": (
        "Confirm your e-mail address first: open the link we sent you, or ask for a new one.",
        "error",
    ),
    "EMAIL_ALREADY_ASSOCIATED": ("There is an account with this address already.", "error"),
    "RETYPE_PASSWORD_MISMATCH": ("The two passwords are not the same.", "error"),
    "INVALID_REDIRECT": ("That link leads elsewhere, so we did not follow it.", "error"),
    "INVALID_RECOVERY_CODE": ("This recovery code is wrong or was used before.", "error"),
    "NO_RECOVERY_CODES_SETUP": ("You have no recovery codes yet.", "info"),
    "PASSWORD_RESET_EXPIRED": ("This link has expired. Ask for a new one here.", "error"),
    "INVALID_RESET_PASSWORD_TOKEN": (
        "This link is not valid any more. Ask for a new one here.",
        "error",
    ),
    "PASSWORD_RESET_NO_LOGIN": (
        "Your new password is set. Sign in with it; every other device was signed out.",
        "success",
    ),
    "PASSWORD_CHANGE": (
        "Your new password is set. Your other devices were signed out.",
        "success",
    ),
    "PASSWORD_IS_THE_SAME": ("The new password is the old one. Choose another.", "error"),
    "PASSWORD_INVALID_LENGTH": ("Use at least %(length)s characters.", "error"),
    "PASSWORD_NOT_PROVIDED": ("Enter a password.", "error"),
    "INVALID_PASSWORD": ("This is not your password.", "error"),
    "EMAIL_NOT_PROVIDED": ("Enter your e-mail address.", "error"),
    "INVALID_EMAIL_ADDRESS": ("This does not look like an e-mail address.", "error"),
    "DISABLED_ACCOUNT": ("This sign-in was switched off. Write to us to learn why.", "error"),
    "INVALID_INPUT": ("Some of these characters cannot be used.", "error"),
    "INVALID_INPUT_LENGTH": ("Use at most %(length)s characters.", "error"),
    "INVALID_CODE": ("This code is wrong or has expired.", "error"),
    "ANONYMOUS_USER_REQUIRED": ("You are signed in already.", "info"),
    "TWO_FACTOR_INVALID_TOKEN": ("This code is wrong or has expired. Enter the next one.", "error"),
    "TWO_FACTOR_LOGIN_SUCCESSFUL": ("You are signed in.", "success"),
    "TWO_FACTOR_CHANGE_METHOD_SUCCESSFUL": (
        "Two-factor sign-in is on. From now on we ask for a code as well.",
        "success",
    ),
    "TWO_FACTOR_PERMISSION_DENIED": ("Please sign in first.", "error"),
    "TWO_FACTOR_METHOD_NOT_AVAILABLE": ("Choose how to receive codes.", "error"),
    "TWO_FACTOR_DISABLED": ("Two-factor sign-in is off.", "success"),
    "TWO_FACTOR_SETUP_EXPIRED": ("That took longer than %(within)s. Start again.", "error"),
    "WEBAUTHN_EXPIRED": ("That took longer than %(within)s. Start again.", "error"),
    "WEBAUTHN_NAME_REQUIRED": ("Give this passkey a name.", "error"),
    "WEBAUTHN_NAME_INUSE": ("You have a passkey named %(name)s already.", "error"),
    "WEBAUTHN_NAME_NOT_FOUND": ("You have no passkey of this name.", "error"),
    "WEBAUTHN_NAME_DISALLOWED_CHARACTERS": ("Use letters, digits, spaces, - and _ only.", "error"),
    "WEBAUTHN_CREDENTIAL_DELETED": ("The passkey %(name)s was removed.", "success"),
    "WEBAUTHN_REGISTER_SUCCESSFUL": ("The passkey %(name)s was added.", "success"),
    "WEBAUTHN_CREDENTIAL_ID_INUSE": ("This passkey is registered already.", "error"),
    "WEBAUTHN_UNKNOWN_CREDENTIAL_ID": ("We do not know this passkey.", "error"),
    "WEBAUTHN_NO_VERIFY": ("This passkey could not be checked. Try again.", "error"),
    "WEBAUTHN_CREDENTIAL_WRONG_USAGE": (
        "This passkey was added for another use. Sign in with your password.",
        "error",
    ),
    "WEBAUTHN_MISMATCH_USER_HANDLE": ("This passkey belongs to someone else.", "error"),
    "CHANGE_EMAIL_EXPIRED": ("This link has expired. Start again.", "error"),
    "CHANGE_EMAIL_CONFIRMED": ("Your e-mail address is changed.", "success"),
}

LABELS = {
    "email": "E-mail",
    "password": "Password",
    "password_confirm": "Password again",
    "new_password": "New password",
    "new_password_confirm": "New password again",
    "remember": "Keep me signed in on this device",
    "code": "Code",
}


def messages() -> dict[str, tuple[str, str]]:
    """Flask-Security's messages: text and the category of its flash."""
    return {f"SECURITY_MSG_{name}": said for name, said in MESSAGES.items()}


def subjects(brand: str) -> dict[str, str]:
    """The subjects of its mails."""
    return {
        "SECURITY_EMAIL_SUBJECT_REGISTER": f"Your {brand} account",
        "SECURITY_EMAIL_SUBJECT_CONFIRM": f"Confirm your e-mail address for {brand}",
        "SECURITY_EMAIL_SUBJECT_PASSWORD_RESET": f"Set a new password for {brand}",
        "SECURITY_EMAIL_SUBJECT_PASSWORD_NOTICE": f"Your {brand} password was reset",
        "SECURITY_EMAIL_SUBJECT_PASSWORD_CHANGE_NOTICE": f"Your {brand} password was changed",
        "SECURITY_CHANGE_EMAIL_SUBJECT": f"Confirm your new e-mail address for {brand}",
        "SECURITY_EMAIL_SUBJECT_TWO_FACTOR_RESCUE": f"{brand}: someone lost their second factor",
    }
