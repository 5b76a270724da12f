"""The law's times as the migration has them."""

from __future__ import annotations

from datetime import date
from typing import Final

from crm.law import Law, Period

OLD: Final = date(1981, 4, 17)
TIMES: Final = {
    "insurer_notice_months": 2,
    "tacit_term_months": 12,
    "grace_months": 1,
    "premium_claim_months": 6,
    "withdrawal_days": 14,
    "claim_report_days": 7,
    "minimum_payment_days": 40,
    "default_interest_months": 3,
    "complaint_sector_months": 1,
    "complaint_service_days": 15,
}
PERIODS: Final = (
    *(Period(kind, "*", OLD, amount) for kind, amount in TIMES.items()),
    Period("withdrawal_days", "life", OLD, 30),
)
LAW: Final = Law.of(PERIODS)
