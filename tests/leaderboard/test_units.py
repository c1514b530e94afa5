import pytest

from leaderboard import units


def test_scales() -> None:
    assert units.ms(0.25) == 250.0
    assert units.mib(3 * 1024 * 1024) == 3.0
    assert units.gib(1_610_612_736) == 1.5  # 1.5 * 2^30


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (0.012345, "0.0123"),
        (0.5, "0.500"),
        (4.567, "4.57"),
        (9.996, "10.0"),  # rounds up into the next power of ten: still three digits
        (98.61, "98.6"),
        (99.96, "100"),
        (123.4, "123"),
        (1234.6, "1,235"),
        (-4.567, "-4.57"),
        (float("nan"), "\N{EN DASH}"),
        (float("-inf"), "\N{EN DASH}"),
        (None, "\N{EN DASH}"),
    ],
)
def test_three_significant_digits(value: float | None, text: str) -> None:
    assert units.format_number(value) == text


@pytest.mark.parametrize(
    ("value", "half", "texts"),
    [
        (22674.0, 13916.0, ("23,000", "14,000")),
        (441.3, 29.2, ("440", "30")),
        (276.31, 0.154, ("276.3", "0.2")),  # four digits at the most
        (151.0, 0.007, ("151.0", "<0.1")),
        (8.123, 0.15, ("8.12", "0.15")),
        (80.0, 0.0, ("80.0", "0.0")),  # runs that were all alike
    ],
)
def test_a_value_has_the_digits_of_its_error(
    value: float, half: float, texts: tuple[str, str]
) -> None:
    assert units.format_measured(value, half) == texts


def test_texts_carry_their_unit() -> None:
    assert units.format_ms(0.0123) == "12.3 ms"
    assert units.format_mib(258 * 2**20) == "258 MiB"
    assert units.format_mib(1214 * 2**20) == "1,214 MiB"
    assert units.format_gib(16_750_372_454) == "15.6 GiB"  # 15.6 * 2^30 = 16_750_372_454.4
    assert units.format_percent(0.42751) == "42.8%"
    assert units.format_rate(124.2) == "124 tokens/s"
    assert units.format_rate(3.5, "items/s") == "3.50 items/s"


def test_a_missing_number_is_a_dash() -> None:
    for text in (
        units.format_ms(None),
        units.format_mib(None),
        units.format_gib(None),
        units.format_percent(None),
        units.format_rate(None),
    ):
        assert text == "\N{EN DASH}"


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (386.2, 1140.0, "380\N{EN DASH}1,200"),
        (100.0, 400.0, "100\N{EN DASH}400"),
        (0.3, 7.91, "0.30\N{EN DASH}8.0"),  # 0.3 / 0.1 is no whole number for a computer
        (56.0, 60.1, "56\N{EN DASH}61"),
        (0.00155, 0.4, "0\N{EN DASH}0.40"),
        (84.1, 84.1, "84"),
        (0.00155, 0.00155, "<0.01"),
    ],
)
def test_a_range_reads_as_somebody_would_type_it(low: float, high: float, text: str):
    assert units.format_range(low, high) == text
