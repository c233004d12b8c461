/*
 * chat_cases.c - templates and what Jinja makes of them.
 *
 * In:       nothing.  Out: chat_rows, chat_models.
 * Not here: the test (check_chat.c). Every expectation was made by Jinja 3.1 with the settings under which chat templates are
 *           written; model/templates.py compares again, also with the templates of other files.
 */
#include "chat_cases.h"

/* One line each, for these messages: system "Be kind.", user " Hi \n", assistant "a</t>b</t>c", user "Bye \xc3\xa9". */
const struct chat_row chat_rows[] = {
  /* values and operators */
  {"{{ 1 + 2 * 3 }} {{ (1 + 2) * 3 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ 7 % 3 }} {{ -7 % 3 }} {{ 7 % -3 }} {{ - 3 + 5 }}",
   "7 9 3 -4 1 2 -2 2"},
  {"{{ 'a' + \"b\" 'c' }} {{ 'a' ~ 1 ~ none ~ true }} {{ 'x\\ty\\n\\\\\\'\\\"\\x41\\u00e9\\q' }}{{ "
   "'\\x7f\\x80\\u07ff\\u0800\\uffff\\U00010000' | length }}{{ '\\x7f\\x80\\u07ff\\u0800\\uffff\\U00010000' }}",
   "abc a1NoneTrue x\ty\n\\'\"A\xc3\xa9\\q6\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80"},
  {"{{ 1 == 1 }} {{ 1 != 1 }} {{ 'a' < 'b' }} {{ 2 >= 3 }} {{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ none == none }} {{ 1 == true "
   "}} {{ '1' == 1 }}",
   "True False True False True False True True False"},
  {"{{ true and 'x' }} {{ '' or 'y' }} {{ not 1 }} {{ not not 1 }} {{ none and 1 }} {{ 0 or false or [] or 'z' }} {{ not 1 "
   "== 2 }}",
   "x y False True None z True"},
  {"{{ 'a' in 'cat' }} {{ 'a' not in 'cat' }} {{ 2 in [1, 2] }} {{ 'role' in messages[0] }} {{ 'tool' in messages[0] }} {{ "
   "'' in '' }}",
   "True False True True False True"},
  {"{{ 'yes' if 1 else 'no' }} {{ 'yes' if 0 else 'no' }} [{{ 'yes' if 0 }}] {{ 1 if 0 else 2 if 0 else 3 }}", "yes no [] 3"},
  {"{{ undefined_thing }}|{{ undefined_thing is defined }}|{{ messages[9] is defined }}|{{ messages[0].tools is defined }}",
   "|False|False|False"},
  {"{{ (1, 2)[1] }} {{ ()|length }} {{ (5,)|length }} {{ [1, [2, 3]][1][0] }} {{ {'a': 1, 'b': {'c': 2}}['b'].c }} {{ [1, "
   "2] == [1, 2] }} {{ [1] + [2] == [1, 2] }}",
   "2 0 1 2 2 True True"},
  /* members, indexes, slices */
  {"{{ messages[0].role }} {{ messages[0]['content'] }} {{ messages[-1].role }} {{ messages|length }} {{ "
   "messages[1:]|length }}",
   "system Be kind. user 4 3"},
  {"{{ messages[::-1][0].content }} {{ messages[1:3][0].role }} {{ messages[:-1]|length }} {{ messages[-2:][0].role }} {{ "
   "messages[::2]|length }} {{ messages[5:]|length }}",
   "Bye \xc3\xa9 user 3 assistant 2 0"},
  {"{{ 'caf\\u00e9s'[3] }}{{ 'caf\\u00e9s'[-1] }}{{ 'caf\\u00e9s'[1:4] }}{{ 'abc'[9] }}{{ 'abc'[:-1] }}{{ 'abc'[5:] }}",
   "\xc3\xa9saf\xc3\xa9" "ab"},
  {"{{ messages[0] == messages[0] }} {{ messages[0] == messages[1] }} {{ messages[0].get('role') }} {{ messages[0].get('x') "
   "}} {{ messages[0].get('x', 'd') }}",
   "True False system None d"},
  /* filters */
  {"[{{ messages[1].content|trim }}] [{{ 'xxaxx'|trim('x') }}] {{ 'abc'|length }} {{ '\xc3\xa9'|length }} {{ [1, 2]|first "
   "}} {{ [1, 2]|last }} {{ 'ab'|last }}",
   "[Hi] [a] 3 1 1 2 b"},
  {"{{ 'aBc d'|upper }} {{ 'aBc d'|lower }} {{ 'aBc dE'|title }} {{ 'aBc D'|capitalize }} {{ 'aXbX'|replace('X', '--') }}",
   "ABC D abc d Abc De Abc d a--b--"},
  {"{{ x|default('d') }} {{ none|default('d') }} {{ ''|default('d', true) }} {{ ''|default('d', boolean=true) }} {{ "
   "x|d('e') }} {{ 5|default(6) }}",
   "d None d d e 5"},
  {"{{ [1, 'a', none]|join(', ') }} {{ []|join }} {{ ['a', 'b']|join }} {{ messages|selectattr('role', 'equalto', "
   "'user')|list|length }}",
   "1, a, None  ab 2"},
  {"{{ messages|rejectattr('role', 'equalto', 'user')|list|length }} {{ messages|selectattr('tool')|list|length }} {{ "
   "(messages|selectattr('role', 'in', ['user'])|list)[-1].content }}",
   "2 0 Bye \xc3\xa9"},
  {"{{ 'a\"b\\\\\\n\\u0001\xc3\xa9'|tojson }} {{ 5|tojson }} {{ none|tojson }} {{ true|tojson }} {{ 12|string + '3' }} {{ "
   "messages[0]|items|list|length }} {{ 'a'|safe }}",
   "\"a\\\"b\\\\\\n\\u0001\xc3\xa9\" 5 null true 123 2 a"},
  /* methods */
  {"{{ 'abc'.startswith('ab') }} {{ 'abc'.endswith('bc') }} {{ 'abc'.startswith('abcd') }} [{{ ' a '.strip() }}] [{{ "
   "'xax'.strip('x') }}] [{{ ' a '.lstrip() }}] [{{ 'a\\n\\n'.rstrip('\\n') }}]",
   "True True False [a] [a] [a ] [a]"},
  {"{{ messages[2].content.split('</t>')[-1] }} {{ messages[2].content.split('</t>')|length }} {{ 'abc'.split('x')[0] }} {{ "
   "'a-b-c'.split('-', 1)[1] }} {{ 'a-b-c'.split('-', 0)|length }}",
   "c 3 abc b-c 1"},
  {"{{ 'aaa'.replace('a', 'bb') }} {{ 'abc'.upper() }} {{ 'ab cd'.title() }} {{ '\\u3000x\\xa0'.strip() }}",
   "bbbbbb ABC Ab Cd x"},
  {"{% for k, v in messages[0].items() %}{{ k }}={{ v }};{% endfor %}", "role=system;content=Be kind.;"},
  {"{% for k, v in {'x': 1, 'y': 2}.items() %}{{ k }}{{ v }}{% endfor %}", "x1y2"},
  /* tests */
  {"{{ none is none }} {{ 1 is not none }} {{ 'a' is string }} {{ 1 is string }} {{ 1 is number }} {{ true is boolean }} {{ "
   "true is true }} {{ 1 is true }} {{ false is false }}",
   "True True True False True True True False True"},
  {"{{ messages is iterable }} {{ messages[0] is mapping }} {{ 'a' is sequence }} {{ 3 is odd }} {{ 3 is even }} {{ 6 is "
   "divisibleby 3 }} {{ 1 is eq 1 }} {{ 'a' is in 'abc' }} {{ 1 is ne(2) }}",
   "True True True True False True True True True"},
  {"{{ x is undefined }} {{ tools is none }} {{ documents is defined }} {{ raise_exception is callable }} {{ strftime_now "
   "is defined }} {{ x is not defined and 1 is defined }}",
   "True True True True False True"},
  /* statements */
  {"{% if messages[0].role == 'user' %}a{% elif messages[0].role == 'system' %}b{% else %}c{% endif %}", "b"},
  {"{% for m in messages %}{{ loop.index }}{{ loop.index0 }}{{ loop.first }}{{ loop.last }}{{ loop.revindex }}{{ "
   "loop.revindex0 }}{{ loop.length }}{{ m.role[0] }}|{% endfor %}",
   "10TrueFalse434s|21FalseFalse324u|32FalseFalse214a|43FalseTrue104u|"},
  {"{% for m in messages if m.role == 'user' %}{{ loop.index }}/{{ loop.length }} {% else %}none{% endfor %}", "1/2 2/2 "},
  {"{% for m in [] %}x{% else %}empty{% endfor %}", "empty"},
  {"{% for m in messages %}{% if loop.index == 2 %}{% continue %}{% endif %}{% if loop.index == 4 %}{% break %}{% endif "
   "%}{{ loop.index }}{% endfor %}.",
   "13."},
  {"{% for m in messages %}{{ loop.previtem.role if loop.previtem is defined else '-' }}>{{ loop.nextitem.role if "
   "loop.nextitem is defined else '-' }} {% endfor %}",
   "->user system>assistant user>user assistant>- "},
  {"{% for a in [1, 2] %}{% for b in ['x', 'y'] %}{{ a }}{{ b }}{{ loop.index }}{% endfor %}{{ loop.index }}{% endfor %}",
   "1x11y212x12y22"},
  {"{% set x = 1 %}{% for m in messages %}{% set x = x + 1 %}{{ x }}{% endfor %}{{ x }}", "22221"},
  {"{% set ns = namespace(n=0, s='') %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% set ns.s = ns.s + m.role[0] %}{% "
   "endfor %}{{ ns.n }}{{ ns.s }}",
   "4suau"},
  {"{% if true %}{% set y = 5 %}{% endif %}{{ y }}", "5"},
  {"{% set messages = messages[1:] %}{{ messages[0].role }}{{ messages|length }}", "user3"},
  {"{% set block %}[{{ messages[0].role }}]{% endset %}{{ block }}{{ block|length }}", "[system]8"},
  {"{% for i in range(3) %}{{ i }}{% endfor %}{% for i in range(2, 4) %}{{ i }}{% endfor %}", "01223"},
  {"{% set ns = namespace(a=1) %}{{ ns == ns }}{{ range == range }}{{ 'k' in {'k': 1} }}{{ 'j' in {'k': 1} }}{% for i in "
   "[1] %}{{ loop == loop }}[{{ loop.nothing }}]{% endfor %}",
   "TrueTrueTrueFalseTrue[]"},
  {"{% generation %}g{{ 1 }}{% endgeneration %}", "g1"},
  {"{% macro unused(a, b=1) %}{{ a }}{% endmacro %}after", "after"},
  /* white space */
  {"a {%- if true -%} b {%- endif -%} c", "abc"},
  {"a\n{% if true %}\nb\n{% endif %}\nc", "a\nb\nc"},
  {"a\n   {% if true %}\n  b\n   {% endif %}\n  c", "a\n  b\n  c"},
  {"a\n   {{- 'x' -}}   \n b", "axb"},
  {"  {{ 'x' }}  \n  {{ 'y' }}\n", "  x  \n  y"},
  {"a {# comment #}\n  {# comment #}\nb {#- c -#}   d", "a bd"},
  {"a\n  {%+ if true %}\nb{% endif +%}\nc", "a\n  b\nc"},
  {"x\n\n{% if true %}\n\ny\n\n{% endif %}\n\n", "x\n\n\ny\n\n"},
  {"{{ '{{' }}{{ \"%}\" }}{{ '}}' }}{{ {'a': {'b': 1}}['a']['b'] }}", "{{%}}}1"},
  {"a\r\nb\r{{ 'c' }}\r\n", "a\nb\nc"},
  /* the end of a template */
  {"line\n", "line"},
  {"line\n\n", "line\n"},
  {"{% if true %}x{% endif %}\n", "x"},
};

const size_t n_chat_rows = sizeof chat_rows / sizeof chat_rows[0];

/* Of SmolLM2-135M-Instruct, as its file has it. */
static const char smollm2[] =
  "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\n"
  "You are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
  "' }}{% endif %}{{'<|im_start|>' + message['role'] + '\n"
  "' + message['content'] + '<|im_end|>' + '\n"
  "'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n"
  "' }}{% endif %}";

/* Of Qwen2.5-Coder-Instruct, as its file has it. */
static const char qwen25[] =
  "{%- if tools %}\n"
  "    {{- '<|im_start|>system\\n' }}\n"
  "    {%- if messages[0]['role'] == 'system' %}\n"
  "        {{- messages[0]['content'] }}\n"
  "    {%- else %}\n"
  "        {{- 'You are Qwen, created by Alibaba Cloud. You are a helpful assistant.' }}\n"
  "    {%- endif %}\n"
  "    {{- \"\\n\\n# Tools\\n\\nYou may call one or more functions to assist with the user query.\\n\\nYou are provided "
  "with function signatures within <tools></tools> XML tags:\\n<tools>\" }}\n"
  "    {%- for tool in tools %}\n"
  "        {{- \"\\n\" }}\n"
  "        {{- tool | tojson }}\n"
  "    {%- endfor %}\n"
  "    {{- \"\\n</tools>\\n\\nFor each function call, return a json object with function name and arguments within "
  "<tool_call></tool_call> XML tags:\\n<tool_call>\\n{\\\"name\\\": <function-name>, \\\"arguments\\\": "
  "<args-json-object>}\\n</tool_call><|im_end|>\\n\" }}\n"
  "{%- else %}\n"
  "    {%- if messages[0]['role'] == 'system' %}\n"
  "        {{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}\n"
  "    {%- else %}\n"
  "        {{- '<|im_start|>system\\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\\n' "
  "}}\n"
  "    {%- endif %}\n"
  "{%- endif %}\n"
  "{%- for message in messages %}\n"
  "    {%- if (message.role == \"user\") or (message.role == \"system\" and not loop.first) or (message.role == "
  "\"assistant\" and not message.tool_calls) %}\n"
  "        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}\n"
  "    {%- elif message.role == \"assistant\" %}\n"
  "        {{- '<|im_start|>' + message.role }}\n"
  "        {%- if message.content %}\n"
  "            {{- '\\n' + message.content }}\n"
  "        {%- endif %}\n"
  "        {%- for tool_call in message.tool_calls %}\n"
  "            {%- if tool_call.function is defined %}\n"
  "                {%- set tool_call = tool_call.function %}\n"
  "            {%- endif %}\n"
  "            {{- '\\n<tool_call>\\n{\"name\": \"' }}\n"
  "            {{- tool_call.name }}\n"
  "            {{- '\", \"arguments\": ' }}\n"
  "            {{- tool_call.arguments | tojson }}\n"
  "            {{- '}\\n</tool_call>' }}\n"
  "        {%- endfor %}\n"
  "        {{- '<|im_end|>\\n' }}\n"
  "    {%- elif message.role == \"tool\" %}\n"
  "        {%- if (loop.index0 == 0) or (messages[loop.index0 - 1].role != \"tool\") %}\n"
  "            {{- '<|im_start|>user' }}\n"
  "        {%- endif %}\n"
  "        {{- '\\n<tool_response>\\n' }}\n"
  "        {{- message.content }}\n"
  "        {{- '\\n</tool_response>' }}\n"
  "        {%- if loop.last or (messages[loop.index0 + 1].role != \"tool\") %}\n"
  "            {{- '<|im_end|>\\n' }}\n"
  "        {%- endif %}\n"
  "    {%- endif %}\n"
  "{%- endfor %}\n"
  "{%- if add_generation_prompt %}\n"
  "    {{- '<|im_start|>assistant\\n' }}\n"
  "{%- endif %}\n";

/* The constructs of Llama 3.1. */
static const char llama3[] =
  "{{- bos_token }}\n"
  "{%- if custom_tools is defined %}\n"
  "    {%- set tools = custom_tools %}\n"
  "{%- endif %}\n"
  "{%- if not date_string is defined %}\n"
  "    {%- if strftime_now is defined %}\n"
  "        {%- set date_string = strftime_now(\"%d %b %Y\") %}\n"
  "    {%- else %}\n"
  "        {%- set date_string = \"1 Jan 2025\" %}\n"
  "    {%- endif %}\n"
  "{%- endif %}\n"
  "{%- if not tools is defined %}\n"
  "    {%- set tools = none %}\n"
  "{%- endif %}\n"
  "\n"
  "{#- The system message goes into a slot of its own. #}\n"
  "{%- if messages[0]['role'] == 'system' %}\n"
  "    {%- set system_message = messages[0]['content']|trim %}\n"
  "    {%- set messages = messages[1:] %}\n"
  "{%- else %}\n"
  "    {%- set system_message = \"\" %}\n"
  "{%- endif %}\n"
  "{{- \"<|start_header_id|>system<|end_header_id|>\\n\\n\" }}\n"
  "{%- if tools is not none %}\n"
  "    {{- \"Environment: \" + builtin_tools | reject('equalto', 'x') | join(\", \") + \"\\n\" }}\n"
  "{%- endif %}\n"
  "{{- \"Today Date: \" + date_string + \"\\n\\n\" }}\n"
  "{{- system_message }}\n"
  "{{- \"<|eot_id|>\" }}\n"
  "{%- for message in messages %}\n"
  "    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}\n"
  "        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['content'] | trim + "
  "'<|eot_id|>' }}\n"
  "    {%- elif 'tool_calls' in message %}\n"
  "        {%- for arg_name, arg_val in message.tool_calls[0].arguments | items %}\n"
  "            {{- arg_name + '=\"' + arg_val + '\"' }}\n"
  "        {%- endfor %}\n"
  "    {%- endif %}\n"
  "{%- endfor %}\n"
  "{%- if add_generation_prompt %}\n"
  "    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}\n"
  "{%- endif %}\n";

/* The constructs of Mistral-Instruct. */
static const char mistral[] =
  "{%- if messages[0][\"role\"] == \"system\" %}\n"
  "    {%- set system_message = messages[0][\"content\"] %}\n"
  "    {%- set loop_messages = messages[1:] %}\n"
  "{%- else %}\n"
  "    {%- set loop_messages = messages %}\n"
  "{%- endif %}\n"
  "{%- set user_messages = loop_messages | selectattr(\"role\", \"equalto\", \"user\") | list %}\n"
  "{%- set ns = namespace() %}\n"
  "{%- set ns.index = 0 %}\n"
  "{%- for message in loop_messages %}\n"
  "    {%- if not (message.role == \"tool\" or (message.tool_calls is defined and message.tool_calls is not none)) %}\n"
  "        {%- if (message[\"role\"] == \"user\") != (ns.index % 2 == 0) %}\n"
  "            {{- raise_exception(\"Roles must alternate user/assistant/user/assistant/...\") }}\n"
  "        {%- endif %}\n"
  "        {%- set ns.index = ns.index + 1 %}\n"
  "    {%- endif %}\n"
  "{%- endfor %}\n"
  "\n"
  "{{- bos_token }}\n"
  "{%- for message in loop_messages %}\n"
  "    {%- if message[\"role\"] == \"user\" %}\n"
  "        {%- if tools is not none and (message == user_messages[-1]) %}\n"
  "            {%- for key, val in tools[0].items() if key != \"return\" %}{{ key }}{% endfor %}\n"
  "        {%- endif %}\n"
  "        {%- if loop.last and system_message is defined %}\n"
  "            {{- \"[INST] \" + system_message + \"\\n\\n\" + message[\"content\"] + \"[/INST]\" }}\n"
  "        {%- else %}\n"
  "            {{- \"[INST] \" + message[\"content\"] + \"[/INST]\" }}\n"
  "        {%- endif %}\n"
  "    {%- elif message[\"role\"] == \"assistant\" %}\n"
  "        {{- \" \" + message[\"content\"]|trim + eos_token}}\n"
  "    {%- else %}\n"
  "        {{- raise_exception(\"Only user and assistant roles are supported!\") }}\n"
  "    {%- endif %}\n"
  "{%- endfor %}\n";

/* The constructs of Qwen3. */
static const char qwen3[] =
  "{%- if messages[0].role == 'system' %}\n"
  "    {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}\n"
  "{%- endif %}\n"
  "{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}\n"
  "{%- for message in messages[::-1] %}\n"
  "    {%- set index = (messages|length - 1) - loop.index0 %}\n"
  "    {%- if ns.multi_step_tool and message.role == \"user\" and message.content is string and "
  "not(message.content.startswith('<tool>') and message.content.endswith('</tool>')) %}\n"
  "        {%- set ns.multi_step_tool = false %}\n"
  "        {%- set ns.last_query_index = index %}\n"
  "    {%- endif %}\n"
  "{%- endfor %}\n"
  "{%- for message in messages %}\n"
  "    {%- if (message.role == \"user\") or (message.role == \"system\" and not loop.first) %}\n"
  "        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}\n"
  "    {%- elif message.role == \"assistant\" %}\n"
  "        {%- set content = message.content %}\n"
  "        {%- set reasoning = '' %}\n"
  "        {%- if '</think>' in message.content %}\n"
  "            {%- set content = message.content.split('</think>')[-1].lstrip('\\n') %}\n"
  "            {%- set reasoning = message.content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') "
  "%}\n"
  "        {%- endif %}\n"
  "        {%- if loop.index0 > ns.last_query_index and (loop.last or (not loop.last and reasoning)) %}\n"
  "            {{- '<|im_start|>' + message.role + '\\n<think>\\n' + reasoning.strip('\\n') + '\\n</think>\\n\\n' + "
  "content.lstrip('\\n') }}\n"
  "        {%- else %}\n"
  "            {{- '<|im_start|>' + message.role + '\\n' + content }}\n"
  "        {%- endif %}\n"
  "        {{- '<|im_end|>\\n' }}\n"
  "    {%- endif %}\n"
  "{%- endfor %}\n"
  "{%- if add_generation_prompt %}\n"
  "    {{- '<|im_start|>assistant\\n' }}\n"
  "    {%- if enable_thinking is defined and enable_thinking is false %}\n"
  "        {{- '<think>\\n\\n</think>\\n\\n' }}\n"
  "    {%- endif %}\n"
  "{%- endif %}";

/* The constructs of TinyLlama and Zephyr. */
static const char zephyr[] =
  "{% for message in messages %}\n"
  "{% if message['role'] == 'user' %}\n"
  "{{ '<|user|>\\n' + message['content'] + eos_token }}\n"
  "{% elif message['role'] == 'system' %}\n"
  "{{ '<|system|>\\n' + message['content'] + eos_token }}\n"
  "{% elif message['role'] == 'assistant' %}\n"
  "{{ '<|assistant|>\\n'  + message['content'] + eos_token }}\n"
  "{% endif %}\n"
  "{% if loop.last and add_generation_prompt %}\n"
  "{{ '<|assistant|>' }}\n"
  "{% endif %}\n"
  "{% endfor %}";

/* Conversations: one message; system, question, answer with thoughts, question; ending with the model's answer. */
const struct chat_model chat_models[] = {
  {"smollm2", smollm2, 0, true,
   "<|im_start|>system\n"
   "You are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
   "<|im_start|>user\n"
   "Hi<|im_end|>\n"
   "<|im_start|>assistant\n"},
  {"smollm2", smollm2, 0, false,
   "<|im_start|>system\n"
   "You are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
   "<|im_start|>user\n"
   "Hi<|im_end|>\n"},
  {"smollm2", smollm2, 1, true,
   "<|im_start|>system\n"
   "Be brief.<|im_end|>\n"
   "<|im_start|>user\n"
   " Hi\n"
   "<|im_end|>\n"
   "<|im_start|>assistant\n"
   "<think>\n"
   "hm\n"
   "</think>\n"
   "\n"
   "So.<|im_end|>\n"
   "<|im_start|>user\n"
   "Bye<|im_end|>\n"
   "<|im_start|>assistant\n"},
  {"smollm2", smollm2, 2, true,
   "<|im_start|>system\n"
   "You are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
   "<|im_start|>user\n"
   "a<|im_end|>\n"
   "<|im_start|>assistant\n"
   "<think>b</think>c<|im_end|>\n"
   "<|im_start|>assistant\n"},
  {"qwen25", qwen25, 0, true,
   "<|im_start|>system\n"
   "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n"
   "<|im_start|>user\n"
   "Hi<|im_end|>\n"
   "<|im_start|>assistant\n"},
  {"qwen25", qwen25, 0, false,
   "<|im_start|>system\n"
   "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n"
   "<|im_start|>user\n"
   "Hi<|im_end|>\n"},
  {"qwen25", qwen25, 1, true,
   "<|im_start|>system\n"
   "Be brief.<|im_end|>\n"
   "<|im_start|>user\n"
   " Hi\n"
   "<|im_end|>\n"
   "<|im_start|>assistant\n"
   "<think>\n"
   "hm\n"
   "</think>\n"
   "\n"
   "So.<|im_end|>\n"
   "<|im_start|>user\n"
   "Bye<|im_end|>\n"
   "<|im_start|>assistant\n"},
  {"qwen25", qwen25, 2, true,
   "<|im_start|>system\n"
   "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n"
   "<|im_start|>user\n"
   "a<|im_end|>\n"
   "<|im_start|>assistant\n"
   "<think>b</think>c<|im_end|>\n"
   "<|im_start|>assistant\n"},
  {"llama3", llama3, 0, true,
   "<s><|start_header_id|>system<|end_header_id|>\n"
   "\n"
   "Today Date: 1 Jan 2025\n"
   "\n"
   "<|eot_id|><|start_header_id|>user<|end_header_id|>\n"
   "\n"
   "Hi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n"
   "\n"},
  {"llama3", llama3, 0, false,
   "<s><|start_header_id|>system<|end_header_id|>\n"
   "\n"
   "Today Date: 1 Jan 2025\n"
   "\n"
   "<|eot_id|><|start_header_id|>user<|end_header_id|>\n"
   "\n"
   "Hi<|eot_id|>"},
  {"llama3", llama3, 1, true,
   "<s><|start_header_id|>system<|end_header_id|>\n"
   "\n"
   "Today Date: 1 Jan 2025\n"
   "\n"
   "Be brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n"
   "\n"
   "Hi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n"
   "\n"
   "<think>\n"
   "hm\n"
   "</think>\n"
   "\n"
   "So.<|eot_id|><|start_header_id|>user<|end_header_id|>\n"
   "\n"
   "Bye<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n"
   "\n"},
  {"llama3", llama3, 2, true,
   "<s><|start_header_id|>system<|end_header_id|>\n"
   "\n"
   "Today Date: 1 Jan 2025\n"
   "\n"
   "<|eot_id|><|start_header_id|>user<|end_header_id|>\n"
   "\n"
   "a<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n"
   "\n"
   "<think>b</think>c<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n"
   "\n"},
  {"mistral", mistral, 0, true, "<s>[INST] Hi[/INST]"},
  {"mistral", mistral, 0, false, "<s>[INST] Hi[/INST]"},
  {"mistral", mistral, 1, true,
   "<s>[INST]  Hi\n"
   "[/INST] <think>\n"
   "hm\n"
   "</think>\n"
   "\n"
   "So.</s>[INST] Be brief.\n"
   "\n"
   "Bye[/INST]"},
  {"mistral", mistral, 2, true, "<s>[INST] a[/INST] <think>b</think>c</s>"},
  {"qwen3", qwen3, 0, true, "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"},
  {"qwen3", qwen3, 0, false, "<|im_start|>user\nHi<|im_end|>\n"},
  {"qwen3", qwen3, 1, true,
   "<|im_start|>system\n"
   "Be brief.<|im_end|>\n"
   "<|im_start|>user\n"
   " Hi\n"
   "<|im_end|>\n"
   "<|im_start|>assistant\n"
   "So.<|im_end|>\n"
   "<|im_start|>user\n"
   "Bye<|im_end|>\n"
   "<|im_start|>assistant\n"},
  {"qwen3", qwen3, 2, true,
   "<|im_start|>user\n"
   "a<|im_end|>\n"
   "<|im_start|>assistant\n"
   "<think>\n"
   "b\n"
   "</think>\n"
   "\n"
   "c<|im_end|>\n"
   "<|im_start|>assistant\n"},
  {"zephyr", zephyr, 0, true, "<|user|>\nHi</s>\n<|assistant|>\n"},
  {"zephyr", zephyr, 0, false, "<|user|>\nHi</s>\n"},
  {"zephyr", zephyr, 1, true,
   "<|system|>\n"
   "Be brief.</s>\n"
   "<|user|>\n"
   " Hi\n"
   "</s>\n"
   "<|assistant|>\n"
   "<think>\n"
   "hm\n"
   "</think>\n"
   "\n"
   "So.</s>\n"
   "<|user|>\n"
   "Bye</s>\n"
   "<|assistant|>\n"},
  {"zephyr", zephyr, 2, true,
   "<|user|>\n"
   "a</s>\n"
   "<|assistant|>\n"
   "<think>b</think>c</s>\n"
   "<|assistant|>\n"},
};

const size_t n_chat_models = sizeof chat_models / sizeof chat_models[0];
