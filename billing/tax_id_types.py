"""Stripe's tax ID types as people know them: the country, the number's name, an example."""

from __future__ import annotations

from dataclasses import dataclass

from babel import Locale

from billing.gateway.tax_ids import TYPES

TIN = "Tax Identification Number"
EU = frozenset(
    [
        "AT",
        "BE",
        "BG",
        "CY",
        "CZ",
        "DE",
        "DK",
        "EE",
        "ES",
        "FI",
        "FR",
        "GR",
        "HR",
        "HU",
        "IE",
        "IT",
        "LT",
        "LU",
        "LV",
        "MT",
        "NL",
        "PL",
        "PT",
        "RO",
        "SE",
        "SI",
        "SK",
    ]
)
# Names and examples as Stripe's docs give them, "Customer tax IDs"; a type that is not here is
# named by its country and code. An empty example: Stripe's docs show none.
KNOWN: dict[str, tuple[str, str]] = {
    "ad_nrt": ("NRT number", "A-123456-Z"),
    "ae_trn": ("TRN", "123456789012345"),
    "al_tin": (TIN, "J12345678N"),
    "am_tin": (TIN, "02538904"),
    "ao_tin": (TIN, "5123456789"),
    "ar_cuit": ("CUIT", "12-3456789-01"),
    "au_abn": ("Business Number (ABN)", "12345678912"),
    "au_acn": ("Company Number (ACN)", ""),
    "au_arn": ("Taxation Office Reference Number", "123456789123"),
    "au_wpn": ("Withholding Payer Number", ""),
    "aw_tin": (TIN, "12345678"),
    "az_tin": (TIN, "0123456789"),
    "ba_tin": (TIN, "123456789012"),
    "bb_tin": (TIN, "1123456789012"),
    "bd_bin": ("Business Identification Number", "123456789-0123"),
    "bf_ifu": ("IFU", "12345678A"),
    "bg_uic": ("Unified Identification Code", "123456789"),
    "bh_vat": ("VAT number", "123456789012345"),
    "bj_ifu": ("IFU", "1234567890123"),
    "bo_tin": (TIN, "123456789"),
    "br_cnpj": ("CNPJ", "01.234.456/5432-10"),
    "br_cpf": ("CPF", "123.456.789-87"),
    "bs_tin": (TIN, "123.456.789"),
    "bw_vat": ("VAT number", ""),
    "by_tin": (TIN, "123456789"),
    "ca_bn": ("Business Number", "123456789"),
    "ca_gst_hst": ("GST/HST number", "123456789RT0002"),
    "ca_pst_bc": ("PST number, British Columbia", "PST-1234-5678"),
    "ca_pst_mb": ("PST number, Manitoba", "123456-7"),
    "ca_pst_sk": ("PST number, Saskatchewan", "1234567"),
    "ca_qst": ("QST number, Québec", "1234567890TQ1234"),
    "cd_nif": ("NIF", "A0123456M"),
    "ch_uid": ("UID number", "CHE-123.456.789 HR"),
    "ch_vat": ("VAT number", "CHE-123.456.789 MWST"),
    "ci_vat": ("VAT number", ""),
    "cl_tin": ("RUT", "12.345.678-K"),
    "cm_niu": ("NIU", "M123456789000L"),
    "cn_tin": (TIN, "123456789012345678"),
    "co_nit": ("NIT", "123.456.789-0"),
    "cr_tin": (TIN, "1-234-567890"),
    "cv_nif": ("NIF", "213456789"),
    "cz_dic": ("DIČ", ""),
    "de_stn": ("Steuernummer", "1234567890"),
    "do_rcn": ("RCN", "123-4567890-1"),
    "ec_ruc": ("RUC", "1234567890001"),
    "eg_tin": (TIN, "123456789"),
    "es_cif": ("NIF", "A12345678"),
    "et_tin": (TIN, "1234567890"),
    "eu_oss_vat": ("One Stop Shop VAT number", "EU123456789"),
    "eu_vat": ("VAT number", "DE123456789"),
    "fo_vat": ("VAT number", ""),
    "fr_siren": ("SIREN", ""),
    "fr_siret": ("SIRET", ""),
    "fr_spi": ("SPI", ""),
    "gb_vat": ("VAT number", "GB123456789"),
    "ge_vat": ("VAT number", "123456789"),
    "gh_tin": (TIN, ""),
    "gi_tin": (TIN, ""),
    "gn_nif": ("NIF", "123456789"),
    "hk_br": ("Business Registration number", "12345678"),
    "hr_oib": ("OIB", "12345678901"),
    "hu_tin": ("Adószám", "12345678-1-23"),
    "ic_nif": ("NIF", ""),
    "id_npwp": ("NPWP", "012.345.678.9-012.345"),
    "il_vat": ("VAT number", "000012345"),
    "in_gst": ("GST number", "12ABCDE3456FGZH"),
    "is_kt": ("Kennitala", ""),
    "is_vat": ("VAT number", "123456"),
    "it_cf": ("Codice fiscale", ""),
    "jp_cn": ("Corporate Number", "1234567891234"),
    "jp_rn": ("Foreign Businesses' Registration Number", "12345"),
    "jp_trn": ("Tax Registration Number", "T1234567891234"),
    "ke_pin": ("PIN", "P000111111A"),
    "kg_tin": (TIN, "12345678901234"),
    "kh_tin": (TIN, "1001-123456789"),
    "kr_brn": ("Business Registration Number", "123-45-67890"),
    "kz_bin": ("Business Identification Number", "123456789012"),
    "la_tin": (TIN, "123456789-000"),
    "li_uid": ("UID number", "CHE123456789"),
    "li_vat": ("VAT number", "12345"),
    "lk_vat": ("VAT number", "123456789-1234"),
    "ma_vat": ("VAT number", "12345678"),
    "md_cf": ("Cod fiscal", ""),
    "md_vat": ("VAT number", "1234567"),
    "me_pib": ("PIB", "12345678"),
    "mk_vat": ("VAT number", "MK1234567890123"),
    "mr_nif": ("NIF", "12345678"),
    "mu_vat": ("VAT number", ""),
    "mx_rfc": ("RFC", "ABC010203AB9"),
    "my_frp": ("FRP number", "12345678"),
    "my_itn": ("Income Tax Number", "C 1234567890"),
    "my_sst": ("SST number", "A12-3456-78912345"),
    "mz_nuit": ("NUIT", ""),
    "ng_tin": (TIN, "12345678-0001"),
    "no_vat": ("VAT number", "123456789MVA"),
    "no_voec": ("VAT on e-commerce number", "1234567"),
    "np_pan": ("PAN", "123456789"),
    "nz_bn": ("Business Number", ""),
    "nz_gst": ("GST number", "123456789"),
    "om_vat": ("VAT number", "OM1234567890"),
    "pe_ruc": ("RUC", "12345678901"),
    "ph_tin": (TIN, "123456789012"),
    "pl_nip": ("NIP", "1234567890"),
    "pt_nif": ("NIF", ""),
    "py_ruc": ("RUC", ""),
    "ro_tin": (TIN, "1234567890123"),
    "rs_pib": ("PIB", "123456789"),
    "ru_inn": ("INN", "1234567891"),
    "ru_kpp": ("KPP", "123456789"),
    "sa_vat": ("VAT number", "123456789012345"),
    "sg_gst": ("GST number", "M12345678X"),
    "sg_uen": ("UEN", "123456789F"),
    "si_tin": ("Davčna številka", "12345678"),
    "sm_coe": ("COE", ""),
    "sn_ninea": ("NINEA", "12345672A2"),
    "sr_fin": ("FIN", "1234567890"),
    "sv_nit": ("NIT", "1234-567890-123-4"),
    "th_vat": ("VAT number", "1234567891234"),
    "tj_tin": (TIN, "123456789"),
    "tr_tin": (TIN, "0123456789"),
    "tt_bir": ("Board of Inland Revenue number", ""),
    "tt_vat": ("VAT number", ""),
    "tw_vat": ("VAT number", "12345678"),
    "tz_vat": ("VAT number", "12345678A"),
    "ua_vat": ("VAT number", "123456789"),
    "ug_tin": (TIN, "1014751879"),
    "us_ein": ("EIN", "12-3456789"),
    "uy_ruc": ("RUC", "123456789012"),
    "uz_tin": (TIN, "123456789"),
    "uz_vat": ("VAT number", "123456789012"),
    "ve_rif": ("RIF", "A-12345678-9"),
    "vn_tin": (TIN, "1234567890"),
    "za_vat": ("VAT number", "4123456789"),
    "zm_tin": (TIN, "1004751879"),
    "zw_tin": (TIN, "1234567890"),
}


@dataclass(frozen=True)
class TaxIdType:
    """A type as a form offers it."""

    code: str
    country: str
    country_name: str
    what: str
    example: str

    @property
    def label(self) -> str:
        """Such as "Germany: Steuernummer"."""
        return f"{self.country_name}: {self.what}"

    @property
    def option(self) -> str:
        """The label with its example, for a list to choose from."""
        return f"{self.label}, like {self.example}" if self.example else self.label

    def is_of(self, country: str) -> bool:
        """Whether somebody in `country` (two letters) may have one."""
        return country == self.country or (self.code == "eu_vat" and country in EU | {"GB"})


def named(code: str, locale: str = "en_GB") -> TaxIdType:
    """The type of this code; one that the SDK does not know yet is named by its code."""
    country = code.split("_")[0].upper()
    territory = Locale.parse(locale).territories.get(country, country)
    what, example = KNOWN.get(code, (code.partition("_")[2].replace("_", " ").upper(), ""))
    return TaxIdType(code, country, territory, what, example)


def grouped(country: str | None, locale: str = "en_GB") -> dict[str, list[TaxIdType]]:
    """Every type under a heading, as a list to choose from shows them: those of `country` first."""
    every = sorted((named(code, locale) for code in TYPES), key=lambda t: (t.country_name, t.what))
    own = [t for t in every if country and t.is_of(country)]
    others = [t for t in every if t not in own]
    return {"Where you are": own, "All other countries": others} if own else {"": others}
