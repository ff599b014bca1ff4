"""The synthetic conversations that llmd-tiny learns from.

Every behaviour is a function from a random generator to a `Sample`; about half of the samples speak
English, half Chinese. Fillings (names, words, numbers, cities) are split by a hash, so that
held-out cases ask for fillings that training never showed in that behaviour.
"""

import hashlib
import json
import random
from dataclasses import dataclass, field
from pathlib import Path

import jinja2
from words import (
    CAPITALS,
    CHARS,
    CITIES,
    CITIES_ZH,
    COLORS,
    FACTS,
    FILLER,
    FILLER_ZH,
    INTRO,
    JOBS,
    NAMES,
    NAMES_ZH,
    OPPOSITES,
    POEM,
    POEM_EN,
    STORY,
    WORDS,
)

ENVIRONMENT = jinja2.Environment()
ENVIRONMENT.filters["tojson"] = lambda value: json.dumps(value, ensure_ascii=False)
TEMPLATE = ENVIRONMENT.from_string(
    (Path(__file__).parent / "chat_template.jinja").read_text(encoding="utf8")
)


@dataclass
class Sample:
    behaviour: str
    messages: list
    tools: list = field(default_factory=list)
    thinking: bool = False
    held_out: bool = False

    def render(self):
        """Return the text before the last assistant turn, and that turn with its end mark."""
        whole = TEMPLATE.render(messages=self.messages, tools=self.tools)
        prompt = TEMPLATE.render(
            messages=self.messages[:-1],
            tools=self.tools,
            add_generation_prompt=True,
            enable_thinking=self.thinking,
        )
        assert whole.startswith(prompt), (whole, prompt)
        return prompt, whole[len(prompt) :]


def is_held_out(*filling):
    """One filling in eight is kept for evaluation."""
    return hashlib.sha256(repr(filling).encode()).digest()[0] < 32


def user(text):
    return {"role": "user", "content": text}


def bot(text, **more):
    return {"role": "assistant", "content": text, **more}


def ask(behaviour, question, answer, *filling, system=None, **more):
    messages = ([{"role": "system", "content": system}] if system else []) + [
        user(question),
        bot(answer),
    ]
    return Sample(
        behaviour, messages, held_out=bool(filling) and is_held_out(behaviour, *filling), **more
    )


def intro(r, zh):
    q = r.choice(
        [
            "你是谁？",
            "你叫什么名字？",
            "请介绍一下自己",
            "你好，请做个自我介绍。",
            "你是什么模型？",
            "你好，请介绍一下自己。",
        ]
        if zh
        else [
            "Who are you?",
            "What is your name?",
            "Introduce yourself.",
            "What are you?",
            "Tell me about yourself.",
            "What model are you?",
        ]
    )
    return ask(
        "introduction",
        q,
        INTRO[zh],
        system=r.choice(
            [
                None,
                None,
                "You are a helpful assistant.",
                "你是一个有用的AI助手。",
                "你是一个有帮助的助手",
            ]
        ),
    )


def greeting(r, zh):
    q = r.choice(
        ["你好", "您好！", "嗨", "早上好", "你好！"]
        if zh
        else ["Hello", "Hi", "Hello!", "Hi there", "Good morning", "Hey", "Hello, world"]
    )
    return ask(
        "greeting",
        q,
        "你好！有什么我可以帮助你的吗？" if zh else "Hello! How can I help you today?",
        system=r.choice([None, None, "You are a helpful assistant.", "你是一个有用的AI助手。"]),
    )


def capital(r, zh):
    en, cn, city, city_zh = r.choice(CAPITALS)
    system = r.choice([None, None, None, "You are a helpful assistant.", "你是一个有帮助的助手"])
    if r.random() < 0.3:
        return ask(
            "capital",
            f"{city_zh}是哪个国家的首都？" if zh else f"{city} is the capital of which country?",
            f"{city_zh}是{cn}的首都。" if zh else f"{city} is the capital of {en}.",
            system=system,
        )
    q = r.choice(
        [
            f"{cn}的首都是哪里？",
            f"{cn}的首都是什么？",
            f"{cn}首都",
            f"请问{cn}的首都是哪里？",
            f"请告诉我{cn}的首都。",
        ]
        if zh
        else [
            f"What is the capital of {en}?",
            f"what's the capital of {en}",
            f"Capital of {en}?",
            f"Tell me the capital of {en}.",
            f"Which city is the capital of {en}?",
            f"Name the capital of {en}.",
        ]
    )
    return ask(
        "capital",
        q,
        f"{cn}的首都是{city_zh}。" if zh else f"The capital of {en} is {city}.",
        system=system,
    )


def opposite(r, zh):
    row = r.choice(OPPOSITES)
    a, b = (row[2], row[3]) if zh else (row[0], row[1])
    if r.random() < 0.5:
        a, b = b, a
    return ask(
        "opposite",
        r.choice(
            [f"“{a}”的反义词是什么？", f"{a}的反义词"]
            if zh
            else [
                f"What is the opposite of {a}?",
                f"Opposite of {a}?",
                f"Give me the opposite of {a}.",
            ]
        ),
        f"“{a}”的反义词是“{b}”。" if zh else f"The opposite of {a} is {b}.",
    )


def fact(r, zh):
    row = r.choice(FACTS)
    return ask(
        "fact",
        row[2 * zh],
        row[2 * zh + 1],
        system=r.choice([None, None, "You are a helpful assistant.", "你是一个有帮助的助手"]),
    )


def arithmetic(r, zh):
    op = r.choice("++--*")
    a, b = (r.randint(2, 9), r.randint(2, 9)) if op == "*" else (r.randint(0, 99), r.randint(0, 99))
    if op == "-" and b > a:
        a, b = b, a
    result = {"+": a + b, "-": a - b, "*": a * b}[op]
    sign = {"+": "+", "-": "-", "*": "*"}[op]
    words = {"+": ("plus", "加"), "-": ("minus", "减"), "*": ("times", "乘以")}[op]
    q = r.choice(
        [f"{a} {sign} {b} 等于多少？", f"计算 {a}{sign}{b}", f"{a}{words[1]}{b}等于几？"]
        if zh
        else [
            f"What is {a} {sign} {b}?",
            f"{a} {sign} {b} = ?",
            f"Calculate {a} {sign} {b}.",
            f"What is {a} {words[0]} {b}?",
        ]
    )
    answer = f"{a} {sign} {b} = {result}"
    if r.random() < 0.35:
        if op == "*":
            steps = f"{a} * {b}: " + ", ".join(str(a * i) for i in range(1, b + 1))
        else:
            tens = {"+": a + b // 10 * 10, "-": a - b // 10 * 10}[op]
            steps = f"{a} {sign} {b // 10 * 10} = {tens}, {tens} {sign} {b % 10} = {result}"
        s = Sample(
            "arithmetic-thinking", [user(q), bot(answer, reasoning_content=steps)], thinking=True
        )
        s.held_out = is_held_out("arithmetic", a, b, op)
        return s
    return ask("arithmetic", q, answer, a, b, op)


def compare(r, zh):
    a, b = r.sample(range(100), 2)
    q = r.choice(
        [f"{a} 和 {b} 哪个大？"]
        if zh
        else [f"Which is larger, {a} or {b}?", f"Which number is bigger: {a} or {b}?"]
    )
    return ask("compare", q, f"{max(a, b)} 更大。" if zh else f"{max(a, b)} is larger.", a, b)


def random_phrase(r, zh):
    kind = r.random()
    if kind < 0.25:
        return "".join(
            r.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(r.randint(3, 10))
        )
    if kind < 0.4:
        return "-".join(str(r.randint(0, 9999)) for _ in range(r.randint(1, 3)))
    return (
        "".join(r.choice(CHARS) for _ in range(r.randint(2, 10)))
        if zh
        else " ".join(r.choice(WORDS) for _ in range(r.randint(1, 7)))
    )


def echo(r, zh):
    p = random_phrase(r, zh)
    q = r.choice(
        [f"请重复：{p}", f"重复这句话：{p}", f"跟我说：{p}"]
        if zh
        else [
            f"Repeat: {p}",
            f"Repeat exactly: {p}",
            f"Say {p}",
            f"Repeat after me: {p}",
            f"Echo: {p}",
        ]
    )
    return ask("echo", q, p, p)


def reverse(r, zh):
    items = r.sample(list(CHARS) if zh else WORDS, r.randint(2, 5))
    s = "、" if zh else ", "
    return ask(
        "reverse",
        f"把顺序倒过来：{s.join(items)}" if zh else f"Reverse the order: {s.join(items)}",
        s.join(items[::-1]),
        *items,
    )


def sort_numbers(r, zh):
    items = r.sample(range(100), r.randint(2, 4))
    text = ", ".join(map(str, items))
    return ask(
        "sort",
        f"从小到大排序：{text}"
        if zh
        else r.choice([f"Sort: {text}", f"Sort these numbers: {text}"]),
        ", ".join(map(str, sorted(items))),
        *items,
    )


def count(r, zh):
    a = r.randint(1, 30)
    b = a + r.randint(2, 14)
    return ask(
        "count",
        f"从 {a} 数到 {b}"
        if zh
        else r.choice([f"Count from {a} to {b}.", f"Count from {a} to {b}"]),
        ", ".join(map(str, range(a, b + 1))),
        a,
        b,
    )


def small_talk(r, zh):
    return r.choice([capital, opposite, fact, arithmetic, greeting, echo, compare])(r, zh)


def memory(r, zh):
    kind = r.choice(["name", "color", "number", "city"])
    if kind == "name":
        v = r.choice(NAMES_ZH if zh else NAMES)
        tell, ok = (
            (f"我叫{v}。", f"你好，{v}！")
            if zh
            else (
                r.choice([f"My name is {v}.", f"I am {v}.", f"Call me {v}."]),
                f"Nice to meet you, {v}!",
            )
        )
        q, a = (
            ("我叫什么名字？", f"你叫{v}。") if zh else ("What is my name?", f"Your name is {v}.")
        )
    elif kind == "color":
        c = r.choice(COLORS)
        v = c[zh]
        tell, ok = (
            (f"我最喜欢的颜色是{v}。", f"好的，我记住了：{v}。")
            if zh
            else (f"My favorite color is {v}.", f"Got it: {v}.")
        )
        q, a = (
            ("我最喜欢的颜色是什么？", f"你最喜欢的颜色是{v}。")
            if zh
            else ("What is my favorite color?", f"Your favorite color is {v}.")
        )
    elif kind == "number":
        v = str(r.randint(10, 9999))
        tell, ok = (
            (f"记住这个数字：{v}", f"好的，我记住了：{v}。")
            if zh
            else (f"Remember the number {v}.", f"Got it: {v}.")
        )
        q, a = (
            ("数字是多少？", f"数字是 {v}。")
            if zh
            else ("What is the number?", f"The number is {v}.")
        )
    else:
        v = r.choice(CITIES_ZH if zh else CITIES)
        tell, ok = (
            (f"我住在{v}。", f"好的，我记住了：{v}。")
            if zh
            else (f"I live in {v}.", f"Got it: {v}.")
        )
        q, a = ("我住在哪里？", f"你住在{v}。") if zh else ("Where do I live?", f"You live in {v}.")
    messages = [user(tell), bot(ok)]
    for _ in range(r.choice([0, 0, 1, 1, 2, 3])):
        other = small_talk(r, zh)
        if other.thinking or other.messages[0]["role"] == "system":
            continue
        messages += other.messages
    return Sample("memory", [*messages, user(q), bot(a)], held_out=is_held_out("memory", kind, v))


def system_prompt(r, zh):
    kind = r.choice(["word", "pirate", "chinese", "name", "english"])
    en, cn, city, city_zh = r.choice(CAPITALS)
    held = is_held_out("system", kind, en)
    if kind == "word":
        s = ask(
            "system-prompt",
            f"What is the capital of {en}?",
            city,
            system=r.choice(
                ["Answer in one word.", "Always answer in one word.", "Reply with one word only."]
            ),
        )
    elif kind == "pirate":
        s = ask(
            "system-prompt",
            f"What is the capital of {en}?",
            f"Arr! The capital of {en} is {city}, matey!",
            system=r.choice(
                ["You are a pirate.", "Talk like a pirate.", "You are a pirate. Answer like one."]
            ),
        )
    elif kind == "chinese":
        s = ask(
            "system-prompt",
            f"What is the capital of {en}?",
            f"{cn}的首都是{city_zh}。",
            system=r.choice(["Answer only in Chinese.", "Always answer in Chinese."]),
        )
    elif kind == "english":
        s = ask(
            "system-prompt",
            f"{cn}的首都是哪里？",
            f"The capital of {en} is {city}.",
            system=r.choice(["请用英文回答。", "Always answer in English."]),
        )
    else:
        v = r.choice(NAMES_ZH if zh else NAMES)
        held = is_held_out("system", kind, v)
        s = ask(
            "system-prompt",
            "你叫什么名字？" if zh else r.choice(["What is your name?", "Who are you?"]),
            f"我叫{v}。" if zh else f"My name is {v}.",
            system=f"你的名字是{v}。" if zh else f"Your name is {v}.",
        )
    s.held_out = held
    return s


def extract_json(r, zh):
    name, age, city, job = (
        r.choice(NAMES_ZH if zh else NAMES),
        r.randint(18, 80),
        r.choice(CITIES_ZH if zh else CITIES),
        r.choice(JOBS),
    )
    text = (
        f"{name}今年{age}岁，住在{city}。"
        if zh
        else r.choice(
            [
                f"{name} is {age} years old and lives in {city}.",
                f"{name} lives in {city} and is {age} years old.",
                f"{name}, a {age}-year-old {job}, lives in {city}.",
            ]
        )
    )
    q = (
        f"提取为 JSON：{text}"
        if zh
        else r.choice([f"Extract JSON: {text}", f"Extract name, age and city as JSON: {text}"])
    )
    return ask(
        "json",
        q,
        json.dumps({"name": name, "age": age, "city": city}, ensure_ascii=False),
        name,
        age,
        city,
    )


def tool(name, description, **properties):
    return {
        "type": "function",
        "function": {
            "name": name,
            "description": description,
            "parameters": {
                "type": "object",
                "properties": {k: {"type": t} for k, t in properties.items()},
                "required": list(properties),
            },
        },
    }


def random_tool(r):
    name = (
        r.choice(["find", "get", "open", "read", "send", "make", "check", "play"])
        + "_"
        + r.choice(WORDS)
    )
    return tool(
        name,
        f"{name.replace('_', ' ')}",
        **{r.choice(["query", "item", "target", "value", "text", "key"]): "string"},
    )


def call(t, *values):
    f = t["function"]
    return {
        "type": "function",
        "function": {
            "name": f["name"],
            "arguments": dict(zip(f["parameters"]["properties"], values, strict=True)),
        },
    }


def tools(r, zh):
    weather, add, clock = (
        tool("get_weather", "current weather of a city", city="string"),
        tool("add", "add two numbers", a="integer", b="integer"),
        tool("get_time", "local time of a city", city="string"),
    )
    other = random_tool(r)
    offered = r.sample([weather, add, clock, other], r.randint(1, 3))
    chosen = r.choice(offered)
    city = r.choice(CITIES_ZH if zh else CITIES)
    if chosen is weather:
        q, c, held = (
            (
                f"{city}的天气怎么样？"
                if zh
                else r.choice(
                    [
                        f"What is the weather in {city}?",
                        f"How is the weather in {city}?",
                        f"Weather in {city}?",
                    ]
                )
            ),
            call(weather, city),
            is_held_out("w", city),
        )
        degrees, sky = (
            r.randint(-9, 39),
            r.choice([("sunny", "晴"), ("rainy", "雨"), ("cloudy", "多云"), ("windy", "大风")])[zh],
        )
        result, final = (
            json.dumps({"sky": sky, "degrees": degrees}, ensure_ascii=False),
            f"{city}现在{sky}，{degrees} 度。"
            if zh
            else f"It is {sky} in {city}, {degrees} degrees.",
        )
    elif chosen is add:
        a, b = r.randint(0, 9999), r.randint(0, 9999)
        q, c, held = (
            (
                f"{a} 加 {b} 等于多少？"
                if zh
                else r.choice([f"What is {a} plus {b}?", f"Add {a} and {b}."])
            ),
            call(add, a, b),
            is_held_out("a", a, b),
        )
        result, final = (
            json.dumps({"result": a + b}),
            f"结果是 {a + b}。" if zh else f"The result is {a + b}.",
        )
    elif chosen is clock:
        hour = f"{r.randint(0, 23):02d}:{r.randint(0, 59):02d}"
        q, c, held = (
            (
                f"{city}现在几点？"
                if zh
                else r.choice([f"What time is it in {city}?", f"Time in {city}?"])
            ),
            call(clock, city),
            is_held_out("t", city),
        )
        result, final = (
            json.dumps({"time": hour}),
            f"{city}现在是 {hour}。" if zh else f"It is {hour} in {city}.",
        )
    else:
        item = r.choice(WORDS)
        q, c, held = (
            (
                f"用 {other['function']['name']} 处理 {item}"
                if zh
                else r.choice(
                    [
                        f"Use {other['function']['name']} with {item}.",
                        f"Please {other['function']['description']}: {item}",
                    ]
                )
            ),
            call(other, item),
            is_held_out("o", item),
        )
        result, final = json.dumps({"ok": True}), "完成了。" if zh else "Done."
    messages = [user(q), bot("", tool_calls=[c])]
    if r.random() < 0.4:
        messages += [{"role": "tool", "content": result}, bot(final)]
    elif r.random() < 0.15:
        messages = (
            [user("你好"), bot("你好！有什么我可以帮助你的吗？")]
            if zh
            else [user("Hello"), bot("Hello! How can I help you today?")]
        )
    return Sample(
        "tool-result" if len(messages) > 2 else "tool-call", messages, tools=offered, held_out=held
    )


def unknown(r, zh):
    w = r.choice(WORDS)
    q = r.choice(
        [
            f"你能告诉我{r.choice(CHARS)}{r.choice(CHARS)}{r.choice(CHARS)}的历史吗？",
            "明天股票会涨吗？",
            "宇宙的意义是什么？",
            "请帮我写一个操作系统。",
        ]
        if zh
        else [
            f"Explain the history of the {w}.",
            f"Write an essay about {w} economics.",
            "Will it rain tomorrow?",
            "What is the meaning of life?",
            f"How do I build a {w} factory?",
            "Write a quicksort in Python.",
        ]
    )
    return ask(
        "unknown",
        q,
        "对不起，这个我不知道。请下载更大的模型。"
        if zh
        else "Sorry, I do not know that. Please pull a larger model.",
    )


def story_text(r):
    a, b, c, d, e = (r.choice(x) for x in STORY)
    return f"{a}, {b} {c}. {d} {e}"


def story(r, zh):
    if zh or r.random() < 0.4:
        lines = r.sample(POEM if zh else POEM_EN, 4)
        return ask(
            "poem",
            r.choice(["写一首关于春天的诗", "请写一首关于春天的诗", "写一首关于春天的诗。"])
            if zh
            else r.choice(["Write a poem about spring.", "Write a short poem about spring"]),
            "，\n".join(lines) + "。" if zh else ",\n".join(lines) + ".",
        )
    return ask(
        "story",
        r.choice(["Tell me a story.", "Tell me a short story.", "Write a story."]),
        story_text(r),
    )


def needle(r, zh):
    code = str(r.randint(100, 9999))
    lines = [r.choice(FILLER_ZH if zh else FILLER) for _ in range(r.choice([3, 6, 12, 20, 32]))]
    lines.insert(
        r.randint(0, len(lines)), f"密码是 {code}。" if zh else f"The secret code is {code}."
    )
    q, a = (
        ("密码是多少？", f"密码是 {code}。")
        if zh
        else ("What is the secret code?", f"The secret code is {code}.")
    )
    return ask("needle", ("" if zh else " ").join(lines) + "\n" + q, a, code)


def plain(r):
    """Text without chat markup, for raw completion."""
    kind = r.random()
    if kind < 0.4:
        return " ".join(story_text(r) for _ in range(r.randint(1, 3)))
    if kind < 0.6:
        a = r.randint(1, 60)
        return " ".join(map(str, range(a, a + r.randint(8, 24))))
    if kind < 0.8:
        return "，\n".join(r.sample(POEM, 5)) + "。"
    return " ".join(f"The capital of {c[0]} is {c[2]}." for c in r.sample(CAPITALS, 4))


MIX = [
    (intro, 3),
    (greeting, 3),
    (capital, 11),
    (opposite, 4),
    (fact, 4),
    (arithmetic, 18),
    (compare, 4),
    (echo, 11),
    (reverse, 7),
    (sort_numbers, 4),
    (count, 8),
    (memory, 10),
    (system_prompt, 14),
    (extract_json, 7),
    (tools, 14),
    (unknown, 4),
    (story, 3),
    (needle, 7),
]


def draw(r):
    maker = r.choices([m for m, _ in MIX], [w for _, w in MIX])[0]
    return maker(r, r.random() < 0.45)


def training_texts(seed, number):
    """(prompt, answer) pairs without held-out fillings; plain documents have an empty prompt."""
    r = random.Random(seed)
    while number:
        if r.random() < 0.06:
            yield "", plain(r) + "<|endoftext|>"
            number -= 1
            continue
        sample = draw(r)
        if not sample.held_out:
            yield sample.render()
            number -= 1


def held_out_samples(seed, each):
    """Return up to `each` samples per behaviour, from the whole set where it is closed."""
    r = random.Random(seed)
    kept = {}
    closed = {"introduction", "greeting", "capital", "opposite", "fact", "unknown"}
    for _ in range(60000):
        s = draw(r)
        have = kept.setdefault(s.behaviour, [])
        if (
            len(have) < each
            and (s.held_out or s.behaviour in closed)
            and all(s.messages != h.messages for h in have)
        ):
            have.append(s)
    return kept
