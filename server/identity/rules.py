"""The numbers of the identity area, each with its reason."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """So many in a sliding window for one subject; `refusal` is the code that the next one gets."""

    kind: str  # at most 32 characters, names the rows
    limit: int
    window: timedelta
    refusal: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityRules:
    """contract.md §3 fixes the defaults; tests and deployments may give others."""

    # One code a minute and ten a day cost little and annoy nobody (domain.md §12).
    code_lifetime: timedelta = timedelta(minutes=5)
    code_tries: int = 5  # of a million: ten codes a day leave 1 chance in 20,000
    resend_after: timedelta = timedelta(seconds=60)
    codes_a_day_a_number: int = 10
    codes_a_day_an_address: int = 200  # a hospital's whole Wi-Fi is one address
    # reliability.md §3 (10): only failures count.
    login_failures_a_phone: int = 5
    login_failures_an_address: int = 20
    login_failure_window: timedelta = timedelta(minutes=10)
    # A stolen phone is noticed within a month; a family member logs in again once a month.
    login_lifetime: timedelta = timedelta(days=30)
    refresh_grace: timedelta = timedelta(seconds=10)  # two tabs, a lost answer, a restart
    bind_token_lifetime: timedelta = timedelta(minutes=10)
    state_lifetime: timedelta = timedelta(minutes=10)  # from leaving for WeChat to coming back with a code
    terms_version: str = "2026-11"
    # Limits a day and an address do not count loopback in the sandbox (contract.md §9).
    loopback_is_exempt: bool = False

    @property
    def failures_of_phone(self) -> Allowance:
        return Allowance(
            kind="login_phone",
            limit=self.login_failures_a_phone,
            window=self.login_failure_window,
            refusal="too_many_attempts",
        )

    @property
    def failures_of_address(self) -> Allowance:
        return Allowance(
            kind="login_address",
            limit=self.login_failures_an_address,
            window=self.login_failure_window,
            refusal="too_many_attempts",
        )

    @property
    def resends(self) -> Allowance:
        return Allowance(kind="sms_resend", limit=1, window=self.resend_after, refusal="too_many_requests")

    @property
    def codes_of_number(self) -> Allowance:
        return Allowance(
            kind="sms_number",
            limit=self.codes_a_day_a_number,
            window=timedelta(days=1),
            refusal="too_many_requests",
        )

    @property
    def codes_of_address(self) -> Allowance:
        return Allowance(
            kind="sms_address",
            limit=self.codes_a_day_an_address,
            window=timedelta(days=1),
            refusal="too_many_requests",
        )
