"""Functions that generated C calls: no library of mathematics is needed. NAME stands for the prefix of a model."""

from __future__ import annotations

import math
import re

FUNCTIONS = {
    "product": """
/* Adds W x to y. W stands column by column; four are added at once, in a loop over rows that compilers turn into
 * vectors. */
static void NAME_product(float *restrict y, const float *restrict w, const float *restrict x, int rows, int columns)
{
    int column = 0;
    for (; column + 4 <= columns; column += 4, w += 4 * rows) {
        const float *w1 = w + rows, *w2 = w1 + rows, *w3 = w2 + rows;
        const float x0 = x[column], x1 = x[column + 1], x2 = x[column + 2], x3 = x[column + 3];
        for (int row = 0; row < rows; row++)
            y[row] += (w[row] * x0 + w1[row] * x1) + (w2[row] * x2 + w3[row] * x3);
    }
    for (; column < columns; column++, w += rows)
        for (int row = 0; row < rows; row++)
            y[row] += w[row] * x[column];
}
""",
    "tanh": """
/* x P(x^2) / Q(x^2) within -8 .. 8, beyond which tanh is 1 in float; right to 4e-7. */
static float NAME_tanh(float x)
{
    x = x < -8.0f ? -8.0f : x > 8.0f ? 8.0f : x;
    const float s = x * x;
    float p = 2.35092848e-11f, q = 0.000237204615f;
    p = p * s + -1.47044847e-08f;
    p = p * s + 9.87874955e-06f;
    p = p * s + 0.0029858721f;
    p = p * s + 0.129792333f;
    p = p * s + 1.0f;
    q = q * s + 0.024027966f;
    q = q * s + 0.463125497f;
    q = q * s + 1.0f;
    return x * p / q;
}
""",
    "sigmoid": """
static float NAME_sigmoid(float x) { return 0.5f * NAME_tanh(0.5f * x) + 0.5f; }
""",
    "exp_double": """
/* 2^n e^r with |r| <= ln(2) / 2, e^r by its series; right to 1e-13. */
static double NAME_exp_double(double x)
{
    if (x < -700.0)
        return 0.0;
    if (x > 700.0)
        x = 700.0;
    const int n = (int)(x * 1.4426950408889634 + (x < 0.0 ? -0.5 : 0.5));
    const double r = (x - n * 0.693145751953125) - n * 1.4286068203094172e-06;
    double sum = 1.0;
    for (int k = 12; k > 0; k--)
        sum = 1.0 + sum * r / k;
    const union { uint64_t bits; double value; } scale = {(uint64_t)(n + 1023) << 52};
    return sum * scale.value;
}
""",
    "exp": """
/* 2^n e^r with |r| <= ln(2) / 2, e^r by its series; right to 2e-7. */
static float NAME_exp(float x)
{
    if (x < -87.0f)
        return 0.0f;
    if (x > 88.0f)
        x = 88.0f;
    const int n = (int)(x * 1.44269504f + (x < 0.0f ? -0.5f : 0.5f));
    const float r = (x - (float)n * 0.693359375f) - (float)n * -2.12194440e-4f;
    float sum = 1.98412698e-4f;
    sum = sum * r + 1.38888889e-3f;
    sum = sum * r + 8.33333333e-3f;
    sum = sum * r + 4.16666667e-2f;
    sum = sum * r + 1.66666667e-1f;
    sum = sum * r + 0.5f;
    sum = sum * r + 1.0f;
    sum = sum * r + 1.0f;
    const union { uint32_t bits; float value; } scale = {(uint32_t)(n + 127) << 23};
    return sum * scale.value;
}
""",
    "sqrt_double": """
/* By Newton's method, from half the exponent. */
static double NAME_sqrt_double(double x)
{
    if (!(x > 0.0))
        return x != x ? x : 0.0;
    union { double value; uint64_t bits; } root = {x};
    root.bits = (root.bits >> 1) + ((uint64_t)1023 << 51);
    for (int round = 0; round < 5; round++)
        root.value = 0.5 * (root.value + x / root.value);
    return root.value;
}
""",
    "sqrt": """
static float NAME_sqrt(float x)
{
    if (!(x > 0.0f))
        return x != x ? x : 0.0f;
    union { float value; uint32_t bits; } root = {x};
    root.bits = (root.bits >> 1) + ((uint32_t)127 << 22);
    for (int round = 0; round < 4; round++)
        root.value = 0.5f * (root.value + x / root.value);
    return root.value;
}
""",
    "log1p": """
/* ln(1 + x) for x >= 0: n ln 2 + 2 artanh((m - 1) / (m + 1)) for 1 + x = m 2^n; right to 2e-7. */
static float NAME_log1p(float x)
{
    if (x != x)
        return x; /* a missing value stays one */
    union { float value; uint32_t bits; } m = {1.0f + x};
    int n = (int)(m.bits >> 23) - 127;
    m.bits = (m.bits & 0x7fffffu) | 0x3f800000u;
    if (m.value > 1.41421356f) {
        m.value *= 0.5f;
        n++;
    }
    const float z = (m.value - 1.0f) / (m.value + 1.0f), s = z * z;
    const float series = s * (0.333333333f + s * (0.2f + s * (0.142857143f + s * 0.111111111f)));
    return (float)n * 0.693147181f + 2.0f * z * (1.0f + series);
}
""",
    "standardise": """
/* y = (x - mean) / sqrt(variance + eps) */
static void NAME_standardise(float *y, const float *x, int count, float eps)
{
    float mean = 0.0f, square = 0.0f;
    for (int i = 0; i < count; i++)
        mean += x[i];
    mean /= (float)count;
    for (int i = 0; i < count; i++)
        square += (x[i] - mean) * (x[i] - mean);
    const float factor = 1.0f / NAME_sqrt(square / (float)count + eps);
    for (int i = 0; i < count; i++)
        y[i] = (x[i] - mean) * factor;
}
""",
    "missing": """
static int NAME_missing(float x)
{
    const union { float value; uint32_t bits; } number = {x};
    return (number.bits & 0x7fffffffu) > 0x7f800000u;
}
""",
    "finite": """
static int NAME_finite(float x)
{
    const union { float value; uint32_t bits; } number = {x};
    return (number.bits & 0x7f800000u) != 0x7f800000u;
}
""",
}

_TANH = [min(round(math.tanh(place / 64) * 32768), 32767) for place in range(514)]
_POWERS = [round(2.0 ** (30 - place / 64)) for place in range(66)]


def _numbers(values: list[int]) -> str:
    return "\n".join(
        "    " + " ".join(f"{value}," for value in values[at : at + 12]) for at in range(0, len(values), 12)
    )


FUNCTIONS |= {
    "shift": """
/* x / 2^k, rounded. */
static int32_t NAME_shift(int64_t x, int k) { return (int32_t)((x + ((int64_t)1 << (k - 1))) >> k); }
""",
    "times": """
static int32_t NAME_times(int32_t a, int32_t b, int k) { return NAME_shift((int64_t)a * b, k); }
""",
    "within": """
static int32_t NAME_within(int32_t x, int32_t most) { return x < -most ? -most : x > most ? most : x; }
""",
    "normalise": """
/* (x - shift) factor / 2^k, at most ``most``. */
static int32_t NAME_normalise(int32_t x, int32_t shift, int32_t factor, int k, int32_t most)
{
    const int64_t y = (((int64_t)x - shift) * factor + ((int64_t)1 << (k - 1))) >> k;
    return y < -most ? -most : y > most ? most : (int32_t)y;
}
""",
    "product_fixed": """
/* y = b + W x / 2^k with a scale for each row of W. */
static void NAME_product_fixed(int32_t *y, const int8_t *w, const int32_t *scale, const int32_t *b, const int32_t *x,
                               int rows, int columns, int k)
{
    for (int row = 0; row < rows; row++, w += columns) {
        int32_t sum = 0;
        for (int column = 0; column < columns; column++)
            sum += w[column] * x[column];
        y[row] = NAME_shift((int64_t)sum * scale[row], k) + b[row];
    }
}
""",
    "tanh_fixed": """
/* From 20 fraction bits to 24, by a table with 64 places for 1; right to 5e-5. */
static const int16_t NAME_tanh_table[514] = {
TANH
};
static int32_t NAME_tanh_fixed(int32_t x)
{
    const int32_t most = (8 << 20) - 1, size = x < 0 ? -x : x, u = size > most ? most : size;
    const int32_t place = u >> 14, rest = u & 0x3fff;
    const int32_t low = NAME_tanh_table[place], high = NAME_tanh_table[place + 1];
    const int32_t y = ((low << 14) + (high - low) * rest) >> 5;
    return x < 0 ? -y : y;
}
""".replace("TANH", _numbers(_TANH)),
    "sigmoid_fixed": """
static int32_t NAME_sigmoid_fixed(int32_t x) { return (NAME_tanh_fixed(x / 2) + (1 << 24)) / 2; }
""",
    "power_fixed": """
/* 2^-x with 30 fraction bits from 16, for x >= 0. */
static const int32_t NAME_power_table[66] = {
POWERS
};
static int32_t NAME_power_fixed(int64_t x)
{
    if (x >= (int64_t)30 << 16)
        return 0;
    const int32_t place = (int32_t)(x & 0xffff) >> 10, rest = (int32_t)x & 0x3ff;
    const int32_t high = NAME_power_table[place], low = NAME_power_table[place + 1];
    return (high - (int32_t)(((int64_t)(high - low) * rest) >> 10)) >> (int)(x >> 16);
}
""".replace("POWERS", _numbers(_POWERS)),
}
for _type in ("float", "double", "int", "int32_t"):
    FUNCTIONS[f"larger_{_type}"] = (
        f"\nstatic {_type} NAME_larger_{_type}({_type} a, {_type} b) {{ return a < b ? b : a; }}\n"
    )
    FUNCTIONS[f"smaller_{_type}"] = (
        f"\nstatic {_type} NAME_smaller_{_type}({_type} a, {_type} b) {{ return b < a ? b : a; }}\n"
    )

_CALL = re.compile(r"NAME_(\w+)\(")


def definitions(code: str) -> str:
    """The definitions of the functions that code calls, each behind those that it calls itself."""
    done: dict[str, str] = {}

    def place(name: str) -> None:
        if name in FUNCTIONS and name not in done:
            for other in _CALL.findall(FUNCTIONS[name]):
                if other != name:
                    place(other)
            done[name] = FUNCTIONS[name]

    for name in FUNCTIONS:
        if name in _CALL.findall(code):
            place(name)
    return "".join(done.values())
