"""Writes test/vectors/hf/chat-templates.json: what `apply_chat_template` of transformers makes of three templates of our own, in
the styles of ChatML, Llama 2 and Llama 3. Run from the project's root."""

import json
import tempfile
from pathlib import Path

import transformers
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import PreTrainedTokenizerFast

from golden import ROOT

# A first system message, or a default one where the talk begins without.
CHATML = """\
{%- for message in messages -%}
    {%- if loop.first and message['role'] != 'system' -%}
        {{- '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' -}}
    {%- endif -%}
    {{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{- '<|im_start|>assistant\\n' -}}
{%- endif -%}
"""

# The system message goes inside the first instruction; roles must take turns; `trim_blocks` eats the line breaks.
LLAMA2 = """\
{% if messages[0]['role'] == 'system' %}
{% set system = '<<SYS>>\\n' + messages[0]['content'] + '\\n<</SYS>>\\n\\n' %}
{% set talk = messages[1:] %}
{% else %}
{% set system = '' %}
{% set talk = messages %}
{% endif %}
{% for message in talk %}
{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}
{% endif %}
{% if loop.index0 == 0 %}
{% set content = system + message['content'] %}
{% else %}
{% set content = message['content'] %}
{% endif %}
{% if message['role'] == 'user' %}
{{- bos_token + '[INST] ' + content.strip() + ' [/INST]' -}}
{% elif message['role'] == 'assistant' %}
{{- ' ' + content.strip() + ' ' + eos_token -}}
{% endif %}
{% endfor %}
"""

LLAMA3 = """\
{%- set ns = namespace(count=0) %}
{{- bos_token }}
{%- for message in messages %}
    {%- set ns.count = ns.count + 1 %}
    {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' }}
    {%- if message['content'] is string %}
        {{- message['content'] | trim }}
    {%- else %}
        {%- for part in message['content'] if part['type'] == 'text' %}
            {{- part['text'] | trim }}
        {%- endfor %}
    {%- endif %}
    {{- '<|eot_id|>' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}
"""

TEMPLATES = {
    "chatml": (CHATML, dict(bos_token="<|im_start|>", eos_token="<|im_end|>")),
    "llama-2": (LLAMA2, dict(bos_token="<s>", eos_token="</s>")),
    "llama-3": (LLAMA3, dict(bos_token="<|begin_of_text|>", eos_token="<|eot_id|>")),
}


def said(*turns):
    return [dict(role=role, content=content) for role, content in turns]


CONVERSATIONS = {
    "question": said(("user", "Who wrote Moby Dick?")),
    "answered": said(("user", "Who wrote Moby Dick?"), ("assistant", "Herman Melville.")),
    "system, four turns": said(
        ("system", "Answer in one word."),
        ("user", "Is the whale white?"),
        ("assistant", "Yes."),
        ("user", "And the ship?"),
        ("assistant", "No."),
    ),
    "system, question": said(("system", "Be brief."), ("user", "Why?")),
    "white space and other scripts": said(
        ("user", "  two spaces, a tab\tand a line\nbreak  \n"),
        ("assistant", "\nnaïve 鯨 🐋 <b>&amp;</b> \"quoted\" \\n "),
        ("user", "{{ 7 * 7 }} {% raise %} [INST] <|im_end|>"),
    ),
    "empty content": said(("user", ""), ("assistant", "")),
    "two users in a row": said(("user", "One."), ("user", "Two.")),
}


def tokenizer_of(template, special):
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(WordLevel({"<unk>": 0}, unk_token="<unk>")), unk_token="<unk>", **special
    )
    tokenizer.chat_template = template
    # Saved and loaded once: what is rendered is what a model's folder says.
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save_pretrained(folder)
        return PreTrainedTokenizerFast.from_pretrained(folder)


def render(tokenizer, messages, prompt):
    """The text, or the error that the template itself raises."""
    try:
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=prompt)
        return dict(text=text)
    except Exception as error:
        if type(error).__name__ != "TemplateError":
            raise
        return dict(error=str(error))


def main():
    templates = []
    for name, (template, special) in TEMPLATES.items():
        tokenizer = tokenizer_of(template, special)
        cases = [
            dict(name=case, messages=messages, addGenerationPrompt=prompt, **render(tokenizer, messages, prompt))
            for case, messages in CONVERSATIONS.items()
            for prompt in (False, True)
        ]
        templates.append(dict(name=name, template=template, specialTokens=special, cases=cases))
    parts = [dict(type="text", text=" In two "), dict(type="text", text="parts. ")]
    messages = [dict(role="user", content=parts)]
    llama3 = templates[-1]
    llama3["cases"].append(
        dict(
            name="content in parts",
            messages=messages,
            addGenerationPrompt=True,
            **render(tokenizer_of(LLAMA3, llama3["specialTokens"]), messages, True),
        )
    )
    recorded = dict(source=f"transformers {transformers.__version__}, apply_chat_template", templates=templates)
    path = ROOT / "chat-templates.json"
    path.write_text(json.dumps(recorded, indent=1, ensure_ascii=False) + "\n")
    print(path, sum(len(template["cases"]) for template in templates), "cases")


main()
