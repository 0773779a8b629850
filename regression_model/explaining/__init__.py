"""Why a price is what it is: contributions of fields and comparable sales."""
