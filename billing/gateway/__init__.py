"""The only importer of `stripe`: one file per noun, SDK calls and nothing else.

Functions return Stripe's objects and raise the errors of `billing.errors`.
"""
