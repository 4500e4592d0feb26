"""The two files of a model in C: the header that a program includes, and the source."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from unrolled.export.c.functions import definitions
from unrolled.export.c.network import Body
from unrolled.export.c.program import Table, literal
from unrolled.version import VERSION

if TYPE_CHECKING:
    from unrolled.model import Model


SIZES = {"double": 8, "int64_t": 8, "float": 4, "int": 4, "int32_t": 4, "int16_t": 2, "int8_t": 1}
"""Bytes of a number."""


def quoted(text: str) -> str:
    """A string in C, of ASCII letters alone."""
    parts = []
    for byte in text.encode():
        letter = chr(byte)
        parts.append(f"\\{byte:03o}" if not 32 <= byte < 127 or letter in '"\\?' else letter)
    return ('"' + "".join(parts) + '"').replace("NAME", 'NA""ME').replace("BIG_", 'BIG""_')  # no place for the prefix


def comment(text: str) -> str:
    """Text that may stand in a comment."""
    plain = json.dumps(text.replace("\N{MULTIPLICATION SIGN}", "x"))[1:-1].replace("\\", "/")
    for pair, apart in (("*/", "* /"), ("/*", "/ *"), ("??", "? ?"), ("NAME", "N AME"), ("BIG_", "BIG _")):
        plain = plain.replace(pair, apart)
    return plain


def table(found: Table) -> str:
    """The definition of a constant array."""
    numbers = [literal(value, found.type) for value in found.values]
    return f"static const {found.type} {found.name}[{len(numbers)}] = {{\n{wrapped(numbers)}}};\n"


def wrapped(items: list[str]) -> str:
    """Items in lines of a readable length."""
    lines, line = [], "   "
    for item in items:
        if len(line) + len(item) > 110:
            lines.append(line)
            line = "   "
        line += f" {item},"
    return "\n".join([*lines, line]) + "\n"


HEADER = """\
/* {title}
 *
 * {about}
 * Made by unrolled {version}. Plain C99: no library, no allocation, no global that changes.
 *
 * Flash: {flash:,} bytes of constants, beside the code. Memory: sizeof(NAME_state), {memory}.
 *
 *     NAME_state state;
 *     NAME_share probabilities[BIG_CLASSES];
 *     NAME_reset(&state);
 *     while (...)
 *         NAME_step(&state, values);
 *     puts(NAME_class_names[NAME_probabilities(&state, probabilities)]);
 */
#ifndef BIG_H
#define BIG_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

#define BIG_CLASSES {classes}
#define BIG_CHANNELS {channels} /* {channel_names} */
{length}
/* Results below zero. */
#define BIG_NO_STEP (-1)   /* an answer without any step */
#define BIG_BAD_VALUE (-2) /* {bad} */
#define BIG_FULL (-3)      /* a step beyond BIG_MAX_STEPS; it is not read */
#define BIG_UNDECIDED (-4) /* NAME_decide wants more steps */

/* {value_about} */
typedef {value} NAME_value;

/* {share_about} */
typedef {share} NAME_share;

/* A sequence as far as it has been read; for NAME_reset to fill. */
typedef struct {{
    int steps;
{fields}}} NAME_state;

extern const char *const NAME_class_names[BIG_CLASSES];

/* Begins a sequence. */
void NAME_reset(NAME_state *state);

/* Reads a step, BIG_CHANNELS values: 0, BIG_BAD_VALUE or BIG_FULL. A step that is refused changes nothing. */
int NAME_step(NAME_state *state, const NAME_value *values);

/* The probability of each class after the steps so far: the number of the most probable class, or BIG_NO_STEP.
 * {cost} */
int NAME_probabilities(NAME_state *state, NAME_share *probabilities);

/* The most probable class if at least this number of steps was read and its probability is at least the confidence;
 * else BIG_UNDECIDED. */
int NAME_decide(NAME_state *state, NAME_share confidence, int at_least, NAME_share *probabilities);

/* A whole sequence, steps times BIG_CHANNELS values: as NAME_reset, NAME_step for each, and NAME_probabilities; the
 * first result below zero where there is one. */
int NAME_sequence(NAME_state *state, const NAME_value *values, int steps, NAME_share *probabilities);
{codes}
#ifdef __cplusplus
}}
#endif

#endif
"""

CODES = """
/* The code of a token, in UTF-8: 0 for one that the training did not have, and BIG_SKIP for whitespace that the
 * training did not have, which NAME_step passes over. */
#define BIG_SKIP (-1)
int NAME_code(const char *token);
"""

SOFTMAX = """\
static int NAME_softmax(const float *logits, NAME_share *probabilities)
{
    int best = 0;
    for (int c = 1; c < BIG_CLASSES; c++)
        if (logits[c] > logits[best])
            best = c;
    float total = 0.0f;
    for (int c = 0; c < BIG_CLASSES; c++) {
        probabilities[c] = NAME_exp((logits[c] - logits[best])@TEMPERATURE@);
        total += probabilities[c];
    }
    for (int c = 0; c < BIG_CLASSES; c++)
        probabilities[c] /= total;
    return best;
}
"""

FIXED_SOFTMAX = """\
static int NAME_softmax(const int32_t *logits, NAME_share *probabilities)
{
    int best = 0;
    for (int c = 1; c < BIG_CLASSES; c++)
        if (logits[c] > logits[best])
            best = c;
    int64_t total = 0;
    for (int c = 0; c < BIG_CLASSES; c++) {
        probabilities[c] = NAME_power_fixed((((int64_t)logits[best] - logits[c]) * @FACTOR@) >> @DOWN@);
        total += probabilities[c];
    }
    for (int c = 0; c < BIG_CLASSES; c++)
        probabilities[c] = (NAME_share)(((int64_t)probabilities[c] * 65536) / total);
    return best;
}
"""

API = """
@SOFTMAX@
void NAME_reset(NAME_state *state)
{
    state->steps = 0;
@RESET@}

int NAME_step(NAME_state *state, const NAME_value *values)
{
@STEP@    if (state->steps < INT_MAX)
        state->steps++;
    return 0;
}

int NAME_probabilities(NAME_state *state, NAME_share *probabilities)
{
    if (state->steps < 1)
        return BIG_NO_STEP;
@ANSWER@    return NAME_softmax(@LOGITS@, probabilities);
}

int NAME_decide(NAME_state *state, NAME_share confidence, int at_least, NAME_share *probabilities)
{
    const int best = NAME_probabilities(state, probabilities);
    if (best < 0)
        return best;
    return state->steps >= at_least && probabilities[best] >= confidence ? best : BIG_UNDECIDED;
}

int NAME_sequence(NAME_state *state, const NAME_value *values, int steps, NAME_share *probabilities)
{
    NAME_reset(state);
    for (int t = 0; t < steps; t++, values += BIG_CHANNELS) {
        const int failed = NAME_step(state, values);
        if (failed)
            return failed;
    }
    return NAME_probabilities(state, probabilities);
}
"""

LOOKUP = """
static const char *const NAME_tokens[{count}] = {{ /* in the order of their bytes */
{tokens}}};
static const int NAME_token_codes[{count}] = {{
{codes}}};

static int NAME_order(const char *a, const char *b)
{{
    for (; *a && *a == *b; a++)
        b++;
    return (int)(unsigned char)*a - (int)(unsigned char)*b;
}}

int NAME_code(const char *token)
{{
    int low = 0, high = {count};
    while (low < high) {{
        const int middle = low + (high - low) / 2, order = NAME_order(token, NAME_tokens[middle]);
        if (order == 0)
            return NAME_token_codes[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }}
    for (; *token; token++)
        if (*token != ' ' && (*token < '\\t' || *token > '\\r'))
            return 0;
    return BIG_SKIP;
}}
"""


@dataclass(frozen=True)
class Written:
    """The two files, in which NAME and BIG stand for the prefix, and what they need in bytes."""

    header: str
    source: str
    flash_bytes: int
    state_bytes: int


def written(model: Model, body: Body, most: int | None) -> Written:
    """The header and the source.

    Args:
        model: the model.
        body: its network in C.
        most: steps of a sequence that is kept until its end; None where each is read as it comes.
    """
    text = model.facts.vocabulary is not None
    fields = _fields(body, most, model)
    code = _api(model, body, most)
    named = set(re.findall(r"\w+", code))
    tables = [found for found in body.program.tables.values() if found.name in named]
    flash = sum(found.values.size * SIZES[found.type] for found in tables)
    memory = _memory(body, most, model)
    header = HEADER.format(
        title=f"{comment(str(model.facts.data.get('name', 'Sequences')))}: one of {len(model.classes)} classes",
        about=comment(model.network.in_words()) + ".",
        version=VERSION,
        flash=flash,
        memory=f"{memory:,} bytes",
        classes=len(model.classes),
        channels=1 if text else len(model.channels),
        channel_names="a code"
        if text
        else comment(", ".join(model.channels[:12])) + (", ..." if len(model.channels) > 12 else ""),
        length=_lengths(body, most, text),
        bad=_bad(model, body),
        value_about="A code from NAME_code." if text else _value_words(model, body),
        value="int" if text else "int32_t" if body.fixed else "float",
        share="int32_t" if body.fixed else "float",
        share_about="A probability in parts of 65536." if body.fixed else "A probability, 0 to 1.",
        fields="".join(f"    {line}\n" for line in fields),
        cost="It reads the whole sequence." if most else "The sequence may go on after it.",
        codes=CODES if text else "",
    )
    source = (
        '#include "NAME.h"\n\n#include <float.h>\n#include <limits.h>\n#include <stdint.h>\n\n'
        + "const char *const NAME_class_names[BIG_CLASSES] = {\n"
        + wrapped([quoted(name) for name in model.classes])
        + "};\n\n"
        + "".join(table(found) for found in tables)
        + definitions(code)
        + (_lookup(model.facts.vocabulary) if model.facts.vocabulary is not None else "")
        + code
    )
    return Written(header, source, flash, memory)


def _lengths(body: Body, most: int | None, text: bool) -> str:
    """The macros for the values and the steps of a sequence."""
    fixed = f"#define BIG_FIXED(x) ((NAME_value)((x) * {2**body.entering_bits}.0))\n" if body.fixed and not text else ""
    longest = f"#define BIG_MAX_STEPS {most} /* of a sequence, which is read at its end */\n" if most else ""
    return fixed + longest


def _fields(body: Body, most: int | None, model: Model) -> list[str]:
    found = [f"{kind} {name}[{count}];" for kind, name, count, _ in sorted(body.fields, reverse=False)]
    if most:
        kind, width = ("int", 1) if model.facts.vocabulary is not None else ("NAME_value", len(model.channels))
        found += ["int read;", f"{kind} values[{most * width}];"]
    if body.program.arrays:
        lines = [f"    {node.type} {name.rpartition('.')[2]}[{node.elements}];" for name, node in body.program.arrays]
        found += ["struct {", *lines, "} work;"]
    return found


def _memory(body: Body, most: int | None, model: Model) -> int:
    """Bytes of the state, but for what a compiler leaves free between its fields."""
    width = SIZES
    total = 4 + sum(width[kind] * count for kind, _, count, _ in body.fields)
    if most:
        total += 4 + 4 * most * (1 if model.facts.vocabulary is not None else len(model.channels))
    return total + sum(width[node.type] * node.elements for _, node in body.program.arrays)


def _bad(model: Model, body: Body) -> str:
    if model.facts.vocabulary is not None:
        return "a code outside the vocabulary"
    if body.fixed:
        return "not used: every whole number is read"
    return "an infinite value" + ("" if _takes_holes(model) else " or NaN")


def _value_words(model: Model, body: Body) -> str:
    words = "In the unit of the training"
    if body.fixed:
        words += f", times {2**body.entering_bits}; BIG_FIXED(x) is that of a constant"
    if model.facts.scale != 1.0:
        words += f"; bytes are taken times {model.facts.scale!r}"
    if model.facts.value_range is not None:
        low, high = model.facts.value_range
        words += f".\n * The training had {low:g} to {high:g}; other values are read as they are"
    return words + ("; NaN where a value is missing." if _takes_holes(model) else ".")


def _takes_holes(model: Model) -> bool:
    return model.facts.vocabulary is None and model.facts.model.missing != "none"


def _lookup(vocabulary: tuple[str, ...]) -> str:
    order = sorted(range(len(vocabulary)), key=lambda code: vocabulary[code].encode())
    return LOOKUP.format(
        count=len(vocabulary),
        tokens=wrapped([quoted(vocabulary[code]) for code in order]),
        codes=wrapped([str(code + 1) for code in order]),
    )


def _api(model: Model, body: Body, most: int | None) -> str:
    reset = []
    for _, name, count, start in body.fields:
        value = f"{start}[u]" if start else "0"
        reset.append(f"for (int u = 0; u < {count}; u++)\n        state->{name}[u] = {value};")
    if most:
        reset.append("state->read = 0;")
    answer = (["const int n = state->read;"] if most else []) + body.answer
    temperature = model.facts.temperature
    if body.fixed:
        factor = math.log2(math.e) / temperature
        down = 28 - math.ceil(math.log2(factor))
        softmax = FIXED_SOFTMAX.replace("@FACTOR@", str(round(factor * 2**down)))
        softmax = softmax.replace("@DOWN@", str(down + body.bits - 16))
    else:
        softmax = SOFTMAX
    return (
        API.replace("@SOFTMAX@", softmax)
        .replace("@RESET@", _indented("\n".join(reset).split("\n")))
        .replace("@STEP@", _indented([*_checks(model, body), *(_keep(model, most) if most else _read(model, body))]))
        .replace("@ANSWER@", _indented(answer))
        .replace("@LOGITS@", body.logits)
        .replace("@TEMPERATURE@", "" if temperature == 1.0 else f" / {literal(np.float32(temperature), 'float')}")
    )


def _indented(lines: list[str]) -> str:
    return "".join(f"    {line}\n" for line in lines if line)


def _checks(model: Model, body: Body) -> list[str]:
    if model.facts.vocabulary is not None:
        return [
            "if (values[0] == BIG_SKIP)",
            "    return 0;",
            f"if (values[0] < 0 || values[0] > {len(model.facts.vocabulary)})",
            "    return BIG_BAD_VALUE;",
        ]
    if body.fixed:
        return []
    wrong = "!NAME_finite(values[k])" + (" && !NAME_missing(values[k])" if _takes_holes(model) else "")
    return ["for (int k = 0; k < BIG_CHANNELS; k++)", f"    if ({wrong})", "        return BIG_BAD_VALUE;"]


def _read(model: Model, body: Body) -> list[str]:
    if model.facts.max_length is None:
        return body.step
    return [f"if (state->steps < {model.facts.max_length}) {{", *("    " + line for line in body.step), "}"]


def _keep(model: Model, most: int) -> list[str]:
    """Keeps a step until the end of its sequence."""
    width = 1 if model.facts.vocabulary is not None else len(model.channels)
    copy = [
        f"for (int k = 0; k < {width}; k++)",
        f"    state->values[state->read * {width} + k] = values[k];",
        "state->read++;",
    ]
    limit = model.facts.max_length
    if limit is None or limit > most:
        return [f"if (state->read >= {most})", "    return BIG_FULL;", *copy]
    if model.facts.keep_steps == "first":
        return [f"if (state->read < {most}) {{", *("    " + line for line in copy), "}"]
    shift = [
        f"for (int k = 0; k < {(most - 1) * width}; k++)",
        f"    state->values[k] = state->values[k + {width}];",
        "state->read--;",
    ]
    return [f"if (state->read == {most}) {{", *("    " + line for line in shift), "}", *copy]
