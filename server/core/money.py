"""Money is a whole number of fen; rounding happens here only."""


def round_half_up(numerator: int, denominator: int) -> int:
    """`numerator / denominator` to the nearest whole fen, halves away from zero (contract.md §6)."""
    if denominator <= 0:
        raise ValueError("the denominator must be positive")
    sign = -1 if numerator < 0 else 1
    return sign * ((2 * abs(numerator) + denominator) // (2 * denominator))


def share_of(amount_fen: int, *, basis_points: int) -> int:
    """The part of an amount that a rate in basis points takes, half up to the fen."""
    return round_half_up(amount_fen * basis_points, 10_000)


def yuan_text(amount_fen: int) -> str:
    """`80.00元`, for people."""
    return f"{amount_fen // 100}.{amount_fen % 100:02d}元"
