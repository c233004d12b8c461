#compdef stillpoint
# zsh completion of stillpoint, made by `stillpoint completion zsh`
_stillpoint() {
  if (( CURRENT == 2 )); then
    compadd -- run ask chat tokenize inspect perplexity eval calibrate trace plot bench cpu selftest digest help completion
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
    run) _arguments -s \
      '--model[GGUF model file (of a split one\: the first part)]:FILE:_files' \
      '--prompt[the prompt; "-" reads standard input]:TEXT:' \
      '*--file[text from a file, before the prompt; "-" reads standard input; may be repeated]:FILE:_files' \
      '--tokens[the prompt as token ids\: 1,2,3 or @FILE]:IDS:' \
      '--system[system message of the chat template]:TEXT:' \
      '--raw[no chat template\: the model continues the text as it is]' \
      '--parse-special[spellings of special tokens in the text become those tokens]' \
      '--no-bos[no beginning-of-sequence token before plain text, even if the file asks for it]' \
      '--predict[most tokens of the answer]:N:' \
      '*--stop[end the answer where this text would begin; may be repeated]:TEXT:' \
      '--logprobs[one line a token\: id, log probability, text]' \
      '--dense[halt nothing\: --policy dense]' \
      '--temp[short for --temperature]:X:' \
      '--ctx[most tokens of a session; 0\: what the model was trained for]:N:' \
      '--chunk[rows that go through the layers together; on a GPU up to 16 x]:N:' \
      '--policy[how rows are scored at the gate]:NAME:(query delta block random inverse recent dense)' \
      '--start[layer of the gate as a part of all layers (l_s)]:X:' \
      '--ratio[part of the tokens to halt (rho)]:X:' \
      '--tau[halt only rows that score below this; -1\: no threshold]:X:' \
      '--tau-only[1\: the threshold alone decides, not the ratio]:N:' \
      '--every[another gate every so many layers; 0\: one gate]:N:' \
      '--window[last rows whose attention scores the others (query)]:N:' \
      '--gate-layers[layers up to the gate that the score looks at (query)]:N:' \
      '--pool[neighbours over which a score'\''s maximum is taken; odd (query)]:N:' \
      '--prefix[first rows that are never halted]:N:' \
      '--suffix[last rows that are never halted]:N:' \
      '--min-tokens[shorter prompts stay dense]:N:' \
      '--wake[attention heads'\'' worth on a halted passage that wakes it in decoding; 0\: none]:X:' \
      '--gate-seed[seed of the policy random]:N:' \
      '--quality[what the model'\''s calibration may cost; it decides the gate unless a setting of the gate is given]:NAME:(strict balanced fast)' \
      '--calibration[calibration file; none\: go without \[default\: beside the model, or installed\]]:FILE:_files' \
      '--temperature[0\: the most probable token]:X:' \
      '--top-p[keep the most probable tokens that sum up to this; 1\: all]:X:' \
      '--min-p[drop tokens less probable than this part of the best]:X:' \
      '--repeat-penalty[divides logits of tokens that occurred; 1\: none]:X:' \
      '--top-k[keep the k most probable tokens; 0\: all]:N:' \
      '--repeat-last[tokens back that the repetition penalty looks]:N:' \
      '--seed[seed of the sampler]:N:' \
      '--isa[instruction set level of the kernels; one that the machine lacks is an error]:NAME:(auto ref avx2 avxvnni avx512 vnni amx neon dot i8mm)' \
      '--threads[threads of the team; 0\: as many as the process may use]:N:' \
      '--numa[where threads stand and memory lies on a machine with several memory nodes]:NAME:(auto off spread local replicate)' \
      '--numerics[int8\: the same bits everywhere; float\: fp32 through BLAS]:NAME:(int8 float)' \
      '--device[auto\: a GPU if one can take layers; none\: touch no driver; cuda\:N\: GPU N or an error]:NAME:(auto none cuda cuda:0 cuda:1 cuda:2 cuda:3 cuda:4 cuda:5 cuda:6 cuda:7)' \
      '--gpu-layers[layers on the GPU, the lowest; -1\: all that fit]:N:' \
      '--gpu-memory[most bytes to take on the GPU; 0\: what is free there, but an eighth]:BYTES:' \
      '--mmap[1\: map the model file, 0\: read it into memory]:N:' \
      '--panels[layers whose panels are kept at once; 0\: all that fit]:N:' \
      '--memory-limit[most bytes to allocate; 0\: no limit]:BYTES:' \
      '--json[one JSON object on standard output; the schema is in the man page]' \
      '--quiet[no report and no progress, only the result]' \
      '--progress[progress on standard error; auto\: on a terminal]:WHEN:(auto always never)' \
      '--help[print this help]' \
      '--version[print the version]' \
      '*:file:_files' ;;
    ask) _arguments -s \
      '--model[GGUF model file (of a split one\: the first part)]:FILE:_files' \
      '*--file[the text; may be repeated]:FILE:_files' \
      '*--question[a question; may be repeated \[default\: the lines of standard input\]]:TEXT:' \
      '--questions[questions, one a line; "-" reads standard input]:FILE:_files' \
      '--save[write the text as it waits at the gate to a state file]:FILE:_files' \
      '--load[take the text from a state file]:FILE:_files' \
      '--system[system message of the chat template]:TEXT:' \
      '--raw[no chat template\: the model continues the text as it is]' \
      '--parse-special[spellings of special tokens in the text become those tokens]' \
      '--no-bos[no beginning-of-sequence token before plain text, even if the file asks for it]' \
      '--predict[most tokens of the answer]:N:' \
      '*--stop[end the answer where this text would begin; may be repeated]:TEXT:' \
      '--dense[halt nothing\: --policy dense]' \
      '--temp[short for --temperature]:X:' \
      '--ctx[most tokens of a session; 0\: what the model was trained for]:N:' \
      '--chunk[rows that go through the layers together; on a GPU up to 16 x]:N:' \
      '--policy[how rows are scored at the gate]:NAME:(query delta block random inverse recent dense)' \
      '--start[layer of the gate as a part of all layers (l_s)]:X:' \
      '--ratio[part of the tokens to halt (rho)]:X:' \
      '--tau[halt only rows that score below this; -1\: no threshold]:X:' \
      '--tau-only[1\: the threshold alone decides, not the ratio]:N:' \
      '--every[another gate every so many layers; 0\: one gate]:N:' \
      '--window[last rows whose attention scores the others (query)]:N:' \
      '--gate-layers[layers up to the gate that the score looks at (query)]:N:' \
      '--pool[neighbours over which a score'\''s maximum is taken; odd (query)]:N:' \
      '--prefix[first rows that are never halted]:N:' \
      '--suffix[last rows that are never halted]:N:' \
      '--min-tokens[shorter prompts stay dense]:N:' \
      '--wake[attention heads'\'' worth on a halted passage that wakes it in decoding; 0\: none]:X:' \
      '--gate-seed[seed of the policy random]:N:' \
      '--quality[what the model'\''s calibration may cost; it decides the gate unless a setting of the gate is given]:NAME:(strict balanced fast)' \
      '--calibration[calibration file; none\: go without \[default\: beside the model, or installed\]]:FILE:_files' \
      '--temperature[0\: the most probable token]:X:' \
      '--top-p[keep the most probable tokens that sum up to this; 1\: all]:X:' \
      '--min-p[drop tokens less probable than this part of the best]:X:' \
      '--repeat-penalty[divides logits of tokens that occurred; 1\: none]:X:' \
      '--top-k[keep the k most probable tokens; 0\: all]:N:' \
      '--repeat-last[tokens back that the repetition penalty looks]:N:' \
      '--seed[seed of the sampler]:N:' \
      '--isa[instruction set level of the kernels; one that the machine lacks is an error]:NAME:(auto ref avx2 avxvnni avx512 vnni amx neon dot i8mm)' \
      '--threads[threads of the team; 0\: as many as the process may use]:N:' \
      '--numa[where threads stand and memory lies on a machine with several memory nodes]:NAME:(auto off spread local replicate)' \
      '--numerics[int8\: the same bits everywhere; float\: fp32 through BLAS]:NAME:(int8 float)' \
      '--device[auto\: a GPU if one can take layers; none\: touch no driver; cuda\:N\: GPU N or an error]:NAME:(auto none cuda cuda:0 cuda:1 cuda:2 cuda:3 cuda:4 cuda:5 cuda:6 cuda:7)' \
      '--gpu-layers[layers on the GPU, the lowest; -1\: all that fit]:N:' \
      '--gpu-memory[most bytes to take on the GPU; 0\: what is free there, but an eighth]:BYTES:' \
      '--mmap[1\: map the model file, 0\: read it into memory]:N:' \
      '--panels[layers whose panels are kept at once; 0\: all that fit]:N:' \
      '--memory-limit[most bytes to allocate; 0\: no limit]:BYTES:' \
      '--json[one JSON object on standard output; the schema is in the man page]' \
      '--quiet[no report and no progress, only the result]' \
      '--progress[progress on standard error; auto\: on a terminal]:WHEN:(auto always never)' \
      '--help[print this help]' \
      '--version[print the version]' \
      '*:file:_files' ;;
    chat) _arguments -s \
      '--model[GGUF model file (of a split one\: the first part)]:FILE:_files' \
      '*--file[text before the first message; may be repeated]:FILE:_files' \
      '*--prompt[a message; may be repeated \[default\: the lines of standard input\]]:TEXT:' \
      '--system[system message of the chat template]:TEXT:' \
      '--parse-special[spellings of special tokens in the text become those tokens]' \
      '--predict[most tokens of the answer]:N:' \
      '*--stop[end the answer where this text would begin; may be repeated]:TEXT:' \
      '--dense[halt nothing\: --policy dense]' \
      '--temp[short for --temperature]:X:' \
      '--ctx[most tokens of a session; 0\: what the model was trained for]:N:' \
      '--chunk[rows that go through the layers together; on a GPU up to 16 x]:N:' \
      '--policy[how rows are scored at the gate]:NAME:(query delta block random inverse recent dense)' \
      '--start[layer of the gate as a part of all layers (l_s)]:X:' \
      '--ratio[part of the tokens to halt (rho)]:X:' \
      '--tau[halt only rows that score below this; -1\: no threshold]:X:' \
      '--tau-only[1\: the threshold alone decides, not the ratio]:N:' \
      '--every[another gate every so many layers; 0\: one gate]:N:' \
      '--window[last rows whose attention scores the others (query)]:N:' \
      '--gate-layers[layers up to the gate that the score looks at (query)]:N:' \
      '--pool[neighbours over which a score'\''s maximum is taken; odd (query)]:N:' \
      '--prefix[first rows that are never halted]:N:' \
      '--suffix[last rows that are never halted]:N:' \
      '--min-tokens[shorter prompts stay dense]:N:' \
      '--wake[attention heads'\'' worth on a halted passage that wakes it in decoding; 0\: none]:X:' \
      '--gate-seed[seed of the policy random]:N:' \
      '--quality[what the model'\''s calibration may cost; it decides the gate unless a setting of the gate is given]:NAME:(strict balanced fast)' \
      '--calibration[calibration file; none\: go without \[default\: beside the model, or installed\]]:FILE:_files' \
      '--temperature[0\: the most probable token]:X:' \
      '--top-p[keep the most probable tokens that sum up to this; 1\: all]:X:' \
      '--min-p[drop tokens less probable than this part of the best]:X:' \
      '--repeat-penalty[divides logits of tokens that occurred; 1\: none]:X:' \
      '--top-k[keep the k most probable tokens; 0\: all]:N:' \
      '--repeat-last[tokens back that the repetition penalty looks]:N:' \
      '--seed[seed of the sampler]:N:' \
      '--isa[instruction set level of the kernels; one that the machine lacks is an error]:NAME:(auto ref avx2 avxvnni avx512 vnni amx neon dot i8mm)' \
      '--threads[threads of the team; 0\: as many as the process may use]:N:' \
      '--numa[where threads stand and memory lies on a machine with several memory nodes]:NAME:(auto off spread local replicate)' \
      '--numerics[int8\: the same bits everywhere; float\: fp32 through BLAS]:NAME:(int8 float)' \
      '--device[auto\: a GPU if one can take layers; none\: touch no driver; cuda\:N\: GPU N or an error]:NAME:(auto none cuda cuda:0 cuda:1 cuda:2 cuda:3 cuda:4 cuda:5 cuda:6 cuda:7)' \
      '--gpu-layers[layers on the GPU, the lowest; -1\: all that fit]:N:' \
      '--gpu-memory[most bytes to take on the GPU; 0\: what is free there, but an eighth]:BYTES:' \
      '--mmap[1\: map the model file, 0\: read it into memory]:N:' \
      '--panels[layers whose panels are kept at once; 0\: all that fit]:N:' \
      '--memory-limit[most bytes to allocate; 0\: no limit]:BYTES:' \
      '--json[one JSON object on standard output; the schema is in the man page]' \
      '--quiet[no report and no progress, only the result]' \
      '--progress[progress on standard error; auto\: on a terminal]:WHEN:(auto always never)' \
      '--help[print this help]' \
      '--version[print the version]' \
      '*:file:_files' ;;
    tokenize) _arguments -s \
      '--model[GGUF model file (of a split one\: the first part)]:FILE:_files' \
      '--prompt[the prompt; "-" reads standard input]:TEXT:' \
      '*--file[text from a file, before the prompt; "-" reads standard input; may be repeated]:FILE:_files' \
      '--tokens[the prompt as token ids\: 1,2,3 or @FILE]:IDS:' \
      '--system[system message of the chat template]:TEXT:' \
      '--chat[put the text through the chat template]' \
      '--parse-special[spellings of special tokens in the text become those tokens]' \
      '--no-bos[no beginning-of-sequence token before plain text, even if the file asks for it]' \
      '--show[what to print]:WHAT:(table ids text count)' \
      '--seed[seed of the sampler]:N:' \
      '--isa[instruction set level of the kernels; one that the machine lacks is an error]:NAME:(auto ref avx2 avxvnni avx512 vnni amx neon dot i8mm)' \
      '--threads[threads of the team; 0\: as many as the process may use]:N:' \
      '--numa[where threads stand and memory lies on a machine with several memory nodes]:NAME:(auto off spread local replicate)' \
      '--numerics[int8\: the same bits everywhere; float\: fp32 through BLAS]:NAME:(int8 float)' \
      '--device[auto\: a GPU if one can take layers; none\: touch no driver; cuda\:N\: GPU N or an error]:NAME:(auto none cuda cuda:0 cuda:1 cuda:2 cuda:3 cuda:4 cuda:5 cuda:6 cuda:7)' \
      '--gpu-layers[layers on the GPU, the lowest; -1\: all that fit]:N:' \
      '--gpu-memory[most bytes to take on the GPU; 0\: what is free there, but an eighth]:BYTES:' \
      '--mmap[1\: map the model file, 0\: read it into memory]:N:' \
      '--panels[layers whose panels are kept at once; 0\: all that fit]:N:' \
      '--memory-limit[most bytes to allocate; 0\: no limit]:BYTES:' \
      '--json[one JSON object on standard output; the schema is in the man page]' \
      '--quiet[no report and no progress, only the result]' \
      '--progress[progress on standard error; auto\: on a terminal]:WHEN:(auto always never)' \
      '--help[print this help]' \
      '--version[print the version]' \
      '*:file:_files' ;;
    inspect) _arguments -s \
      '--model[GGUF model file (of a split one\: the first part)]:FILE:_files' \
      '--keys[list the file'\''s keys]' \
      '--tensors[list the file'\''s tensors]' \
      '--dense[halt nothing\: --policy dense]' \
      '--ctx[most tokens of a session; 0\: what the model was trained for]:N:' \
      '--chunk[rows that go through the layers together; on a GPU up to 16 x]:N:' \
      '--policy[how rows are scored at the gate]:NAME:(query delta block random inverse recent dense)' \
      '--start[layer of the gate as a part of all layers (l_s)]:X:' \
      '--ratio[part of the tokens to halt (rho)]:X:' \
      '--tau[halt only rows that score below this; -1\: no threshold]:X:' \
      '--tau-only[1\: the threshold alone decides, not the ratio]:N:' \
      '--every[another gate every so many layers; 0\: one gate]:N:' \
      '--window[last rows whose attention scores the others (query)]:N:' \
      '--gate-layers[layers up to the gate that the score looks at (query)]:N:' \
      '--pool[neighbours over which a score'\''s maximum is taken; odd (query)]:N:' \
      '--prefix[first rows that are never halted]:N:' \
      '--suffix[last rows that are never halted]:N:' \
      '--min-tokens[shorter prompts stay dense]:N:' \
      '--wake[attention heads'\'' worth on a halted passage that wakes it in decoding; 0\: none]:X:' \
      '--gate-seed[seed of the policy random]:N:' \
      '--quality[what the model'\''s calibration may cost; it decides the gate unless a setting of the gate is given]:NAME:(strict balanced fast)' \
      '--calibration[calibration file; none\: go without \[default\: beside the model, or installed\]]:FILE:_files' \
      '--seed[seed of the sampler]:N:' \
      '--isa[instruction set level of the kernels; one that the machine lacks is an error]:NAME:(auto ref avx2 avxvnni avx512 vnni amx neon dot i8mm)' \
      '--threads[threads of the team; 0\: as many as the process may use]:N:' \
      '--numa[where threads stand and memory lies on a machine with several memory nodes]:NAME:(auto off spread local replicate)' \
      '--numerics[int8\: the same bits everywhere; float\: fp32 through BLAS]:NAME:(int8 float)' \
      '--device[auto\: a GPU if one can take layers; none\: touch no driver; cuda\:N\: GPU N or an error]:NAME:(auto none cuda cuda:0 cuda:1 cuda:2 cuda:3 cuda:4 cuda:5 cuda:6 cuda:7)' \
      '--gpu-layers[layers on the GPU, the lowest; -1\: all that fit]:N:' \
      '--gpu-memory[most bytes to take on the GPU; 0\: what is free there, but an eighth]:BYTES:' \
      '--mmap[1\: map the model file, 0\: read it into memory]:N:' \
      '--panels[layers whose panels are kept at once; 0\: all that fit]:N:' \
      '--memory-limit[most bytes to allocate; 0\: no limit]:BYTES:' \
      '--json[one JSON object on standard output; the schema is in the man page]' \
      '--quiet[no report and no progress, only the result]' \
      '--progress[progress on standard error; auto\: on a terminal]:WHEN:(auto always never)' \
      '--help[print this help]' \
      '--version[print the version]' \
      '*:file:_files' ;;
    perplexity) _arguments -s \
      '--model[GGUF model file (of a split one\: the first part)]:FILE:_files' \
      '*--file[a text to predict; may be repeated]:FILE:_files' \
      '--no-bos[no beginning-of-sequence token before plain text, even if the file asks for it]' \
      '--chunk-tokens[tokens of a window; each file is cut into windows]:N:' \
      '--chunks[most windows of a file \[default\: all\]]:N:' \
      '--first[tokens at the start of a window that are read and not scored; nothing predicts the first]:N:' \
      '--against[compare with float (or int8)\: KL divergence, difference in loss, agreement of first choices and of kept tokens]:NUMERICS:' \
      '--continuation[loss of the last N tokens of each window after a prefill of the others, dense and halted]:N:' \
      '--dense[halt nothing\: --policy dense]' \
      '--ctx[most tokens of a session; 0\: what the model was trained for]:N:' \
      '--chunk[rows that go through the layers together; on a GPU up to 16 x]:N:' \
      '--policy[how rows are scored at the gate]:NAME:(query delta block random inverse recent dense)' \
      '--start[layer of the gate as a part of all layers (l_s)]:X:' \
      '--ratio[part of the tokens to halt (rho)]:X:' \
      '--tau[halt only rows that score below this; -1\: no threshold]:X:' \
      '--tau-only[1\: the threshold alone decides, not the ratio]:N:' \
      '--every[another gate every so many layers; 0\: one gate]:N:' \
      '--window[last rows whose attention scores the others (query)]:N:' \
      '--gate-layers[layers up to the gate that the score looks at (query)]:N:' \
      '--pool[neighbours over which a score'\''s maximum is taken; odd (query)]:N:' \
      '--prefix[first rows that are never halted]:N:' \
      '--suffix[last rows that are never halted]:N:' \
      '--min-tokens[shorter prompts stay dense]:N:' \
      '--wake[attention heads'\'' worth on a halted passage that wakes it in decoding; 0\: none]:X:' \
      '--gate-seed[seed of the policy random]:N:' \
      '--quality[what the model'\''s calibration may cost; it decides the gate unless a setting of the gate is given]:NAME:(strict balanced fast)' \
      '--calibration[calibration file; none\: go without \[default\: beside the model, or installed\]]:FILE:_files' \
      '--seed[seed of the sampler]:N:' \
      '--isa[instruction set level of the kernels; one that the machine lacks is an error]:NAME:(auto ref avx2 avxvnni avx512 vnni amx neon dot i8mm)' \
      '--threads[threads of the team; 0\: as many as the process may use]:N:' \
      '--numa[where threads stand and memory lies on a machine with several memory nodes]:NAME:(auto off spread local replicate)' \
      '--numerics[int8\: the same bits everywhere; float\: fp32 through BLAS]:NAME:(int8 float)' \
      '--device[auto\: a GPU if one can take layers; none\: touch no driver; cuda\:N\: GPU N or an error]:NAME:(auto none cuda cuda:0 cuda:1 cuda:2 cuda:3 cuda:4 cuda:5 cuda:6 cuda:7)' \
      '--gpu-layers[layers on the GPU, the lowest; -1\: all that fit]:N:' \
      '--gpu-memory[most bytes to take on the GPU; 0\: what is free there, but an eighth]:BYTES:' \
      '--mmap[1\: map the model file, 0\: read it into memory]:N:' \
      '--panels[layers whose panels are kept at once; 0\: all that fit]:N:' \
      '--memory-limit[most bytes to allocate; 0\: no limit]:BYTES:' \
      '--json[one JSON object on standard output; the schema is in the man page]' \
      '--quiet[no report and no progress, only the result]' \
      '--progress[progress on standard error; auto\: on a terminal]:WHEN:(auto always never)' \
      '--help[print this help]' \
      '--version[print the version]' \
      '*:file:_files' ;;
    eval) _arguments -s \
      '--model[GGUF model file (of a split one\: the first part)]:FILE:_files' \
      '*--file[a text for the sets loss and agree; may be repeated]:FILE:_files' \
      '*--hay[text in which facts are hidden; may be repeated \[default\: sentences made from --seed\]]:FILE:_files' \
      '--sets[which of one, many, table, chain, count (questions), loss and agree (with -f) \[default\: all\]]:NAME,...:' \
      '--predict[most tokens of an answer]:N:' \
      '--continuation[tokens behind each place that the set loss scores]:N:' \
      '--places[places in the texts of -f for each length, evenly spread]:N:' \
      '--questions[questions of each set for each length]:N:' \
      '--per-text[most questions about one text]:N:' \
      '--lengths[tokens of the prompts \[default 2048,4096\]]:N,N,...:' \
      '--depths[where facts stand, in per cent of the text before them \[default 10,30,50,70,90\]]:N,N,...:' \
      '--out[keep single results in this file, a JSON object a line; those that it holds already are not run again]:FILE:_files' \
      '--plot[write heat maps of depth and length\: SVG, or PNG if the name ends so]:FILE:_files' \
      '--ctx[most tokens of a session; 0\: what the model was trained for]:N:' \
      '--chunk[rows that go through the layers together; on a GPU up to 16 x]:N:' \
      '--policy[how rows are scored at the gate]:NAME:(query delta block random inverse recent dense)' \
      '--start[layer of the gate as a part of all layers (l_s)]:X:' \
      '--ratio[part of the tokens to halt (rho)]:X:' \
      '--tau[halt only rows that score below this; -1\: no threshold]:X:' \
      '--tau-only[1\: the threshold alone decides, not the ratio]:N:' \
      '--every[another gate every so many layers; 0\: one gate]:N:' \
      '--window[last rows whose attention scores the others (query)]:N:' \
      '--gate-layers[layers up to the gate that the score looks at (query)]:N:' \
      '--pool[neighbours over which a score'\''s maximum is taken; odd (query)]:N:' \
      '--prefix[first rows that are never halted]:N:' \
      '--suffix[last rows that are never halted]:N:' \
      '--min-tokens[shorter prompts stay dense]:N:' \
      '--wake[attention heads'\'' worth on a halted passage that wakes it in decoding; 0\: none]:X:' \
      '--gate-seed[seed of the policy random]:N:' \
      '--quality[what the model'\''s calibration may cost; it decides the gate unless a setting of the gate is given]:NAME:(strict balanced fast)' \
      '--calibration[calibration file; none\: go without \[default\: beside the model, or installed\]]:FILE:_files' \
      '--seed[seed of the sampler]:N:' \
      '--isa[instruction set level of the kernels; one that the machine lacks is an error]:NAME:(auto ref avx2 avxvnni avx512 vnni amx neon dot i8mm)' \
      '--threads[threads of the team; 0\: as many as the process may use]:N:' \
      '--numa[where threads stand and memory lies on a machine with several memory nodes]:NAME:(auto off spread local replicate)' \
      '--numerics[int8\: the same bits everywhere; float\: fp32 through BLAS]:NAME:(int8 float)' \
      '--device[auto\: a GPU if one can take layers; none\: touch no driver; cuda\:N\: GPU N or an error]:NAME:(auto none cuda cuda:0 cuda:1 cuda:2 cuda:3 cuda:4 cuda:5 cuda:6 cuda:7)' \
      '--gpu-layers[layers on the GPU, the lowest; -1\: all that fit]:N:' \
      '--gpu-memory[most bytes to take on the GPU; 0\: what is free there, but an eighth]:BYTES:' \
      '--mmap[1\: map the model file, 0\: read it into memory]:N:' \
      '--panels[layers whose panels are kept at once; 0\: all that fit]:N:' \
      '--memory-limit[most bytes to allocate; 0\: no limit]:BYTES:' \
      '--json[one JSON object on standard output; the schema is in the man page]' \
      '--quiet[no report and no progress, only the result]' \
      '--progress[progress on standard error; auto\: on a terminal]:WHEN:(auto always never)' \
      '--help[print this help]' \
      '--version[print the version]' \
      '*:file:_files' ;;
    calibrate) _arguments -s \
      '--model[GGUF model file (of a split one\: the first part)]:FILE:_files' \
      '*--file[a text of the kind that the model is to read; may be repeated. Half of each is for the search, half confirms]:FILE:_files' \
      '*--hay[text in which facts are hidden; may be repeated \[default\: those of -f\]]:FILE:_files' \
      '--lengths[tokens of the prompts \[default 4096\]]:N,N,...:' \
      '--eps[most loss of quality balanced above dense, in nats a token \[default 0.02\]]:X:' \
      '--points[most points of retrieval of quality balanced below dense \[default 1\]]:X:' \
      '--texts[texts of each set of questions (one, many, chain) and length for the search]:N:' \
      '--final-texts[the same to confirm what it found]:N:' \
      '--per-text[questions about a text that the gates are asked]:N:' \
      '--answers[of these, questions that candidates must answer]:N:' \
      '--places[places in the texts of -f for each length, evenly spread]:N:' \
      '--final-places[the same to confirm what the search found]:N:' \
      '--continuation[tokens behind each place whose loss is measured]:N:' \
      '--starts[start layers to try \[default 0.25,0.3,0.35,0.4,0.5,0.6\]]:X,X,...:' \
      '--ratios[ratios to try \[default 0.5,0.6666667,0.75,0.8\]]:X,X,...:' \
      '--pools[pools to try \[default 31,63\]]:N,N,...:' \
      '--wakes[values of wake to try \[default\: the setting alone\]]:X,X,...:' \
      '--min-tokens[the file'\''s min-tokens\: shorter prompts stay dense \[default\: half of the smallest length\]]:N:' \
      '--out[the calibration file \[default\: beside the model, MODEL.calibration\]]:FILE:_files' \
      '--results[keep single results in this file, a JSON object a line; those that it holds already are not run again]:FILE:_files' \
      '--exhaustive[run all candidates on the whole sample as well, and compare]' \
      '--timed[measure the speed-up of the chosen settings, and write it into the file]' \
      '--seed[seed of the sampler]:N:' \
      '--isa[instruction set level of the kernels; one that the machine lacks is an error]:NAME:(auto ref avx2 avxvnni avx512 vnni amx neon dot i8mm)' \
      '--threads[threads of the team; 0\: as many as the process may use]:N:' \
      '--numa[where threads stand and memory lies on a machine with several memory nodes]:NAME:(auto off spread local replicate)' \
      '--numerics[int8\: the same bits everywhere; float\: fp32 through BLAS]:NAME:(int8 float)' \
      '--device[auto\: a GPU if one can take layers; none\: touch no driver; cuda\:N\: GPU N or an error]:NAME:(auto none cuda cuda:0 cuda:1 cuda:2 cuda:3 cuda:4 cuda:5 cuda:6 cuda:7)' \
      '--gpu-layers[layers on the GPU, the lowest; -1\: all that fit]:N:' \
      '--gpu-memory[most bytes to take on the GPU; 0\: what is free there, but an eighth]:BYTES:' \
      '--mmap[1\: map the model file, 0\: read it into memory]:N:' \
      '--panels[layers whose panels are kept at once; 0\: all that fit]:N:' \
      '--memory-limit[most bytes to allocate; 0\: no limit]:BYTES:' \
      '--json[one JSON object on standard output; the schema is in the man page]' \
      '--quiet[no report and no progress, only the result]' \
      '--progress[progress on standard error; auto\: on a terminal]:WHEN:(auto always never)' \
      '--help[print this help]' \
      '--version[print the version]' \
      '*:file:_files' ;;
    trace) _arguments -s \
      '--model[GGUF model file (of a split one\: the first part)]:FILE:_files' \
      '--prompt[the prompt; "-" reads standard input]:TEXT:' \
      '*--file[text from a file, before the prompt; "-" reads standard input; may be repeated]:FILE:_files' \
      '--tokens[the prompt as token ids\: 1,2,3 or @FILE]:IDS:' \
      '--system[system message of the chat template]:TEXT:' \
      '--raw[no chat template\: the model continues the text as it is]' \
      '--parse-special[spellings of special tokens in the text become those tokens]' \
      '--no-bos[no beginning-of-sequence token before plain text, even if the file asks for it]' \
      '--out[write the trace to this file]:FILE:_files' \
      '--show[on standard output\: the trace (with --out nothing, unless asked for), or the text with what was halted dimmed]:WHAT:(trace text none)' \
      '--html[write the text as a page, with scores where the pointer rests]:FILE:_files' \
      '--dense[halt nothing\: --policy dense]' \
      '--ctx[most tokens of a session; 0\: what the model was trained for]:N:' \
      '--chunk[rows that go through the layers together; on a GPU up to 16 x]:N:' \
      '--policy[how rows are scored at the gate]:NAME:(query delta block random inverse recent dense)' \
      '--start[layer of the gate as a part of all layers (l_s)]:X:' \
      '--ratio[part of the tokens to halt (rho)]:X:' \
      '--tau[halt only rows that score below this; -1\: no threshold]:X:' \
      '--tau-only[1\: the threshold alone decides, not the ratio]:N:' \
      '--every[another gate every so many layers; 0\: one gate]:N:' \
      '--window[last rows whose attention scores the others (query)]:N:' \
      '--gate-layers[layers up to the gate that the score looks at (query)]:N:' \
      '--pool[neighbours over which a score'\''s maximum is taken; odd (query)]:N:' \
      '--prefix[first rows that are never halted]:N:' \
      '--suffix[last rows that are never halted]:N:' \
      '--min-tokens[shorter prompts stay dense]:N:' \
      '--wake[attention heads'\'' worth on a halted passage that wakes it in decoding; 0\: none]:X:' \
      '--gate-seed[seed of the policy random]:N:' \
      '--quality[what the model'\''s calibration may cost; it decides the gate unless a setting of the gate is given]:NAME:(strict balanced fast)' \
      '--calibration[calibration file; none\: go without \[default\: beside the model, or installed\]]:FILE:_files' \
      '--seed[seed of the sampler]:N:' \
      '--isa[instruction set level of the kernels; one that the machine lacks is an error]:NAME:(auto ref avx2 avxvnni avx512 vnni amx neon dot i8mm)' \
      '--threads[threads of the team; 0\: as many as the process may use]:N:' \
      '--numa[where threads stand and memory lies on a machine with several memory nodes]:NAME:(auto off spread local replicate)' \
      '--numerics[int8\: the same bits everywhere; float\: fp32 through BLAS]:NAME:(int8 float)' \
      '--device[auto\: a GPU if one can take layers; none\: touch no driver; cuda\:N\: GPU N or an error]:NAME:(auto none cuda cuda:0 cuda:1 cuda:2 cuda:3 cuda:4 cuda:5 cuda:6 cuda:7)' \
      '--gpu-layers[layers on the GPU, the lowest; -1\: all that fit]:N:' \
      '--gpu-memory[most bytes to take on the GPU; 0\: what is free there, but an eighth]:BYTES:' \
      '--mmap[1\: map the model file, 0\: read it into memory]:N:' \
      '--panels[layers whose panels are kept at once; 0\: all that fit]:N:' \
      '--memory-limit[most bytes to allocate; 0\: no limit]:BYTES:' \
      '--json[one JSON object on standard output; the schema is in the man page]' \
      '--quiet[no report and no progress, only the result]' \
      '--progress[progress on standard error; auto\: on a terminal]:WHEN:(auto always never)' \
      '--help[print this help]' \
      '--version[print the version]' \
      '*:file:_files' ;;
    plot) _arguments -s \
      '--model[GGUF model file (of a split one\: the first part)]:FILE:_files' \
      '--prompt[the prompt; "-" reads standard input]:TEXT:' \
      '*--file[text from a file, before the prompt; "-" reads standard input; may be repeated]:FILE:_files' \
      '--tokens[the prompt as token ids\: 1,2,3 or @FILE]:IDS:' \
      '--system[system message of the chat template]:TEXT:' \
      '--raw[no chat template\: the model continues the text as it is]' \
      '--parse-special[spellings of special tokens in the text become those tokens]' \
      '--no-bos[no beginning-of-sequence token before plain text, even if the file asks for it]' \
      '--out[write the picture to this file]:FILE:_files' \
      '--format[auto\: PNG if the file'\''s name ends so, else SVG]:NAME:(auto svg png)' \
      '--dense[halt nothing\: --policy dense]' \
      '--ctx[most tokens of a session; 0\: what the model was trained for]:N:' \
      '--chunk[rows that go through the layers together; on a GPU up to 16 x]:N:' \
      '--policy[how rows are scored at the gate]:NAME:(query delta block random inverse recent dense)' \
      '--start[layer of the gate as a part of all layers (l_s)]:X:' \
      '--ratio[part of the tokens to halt (rho)]:X:' \
      '--tau[halt only rows that score below this; -1\: no threshold]:X:' \
      '--tau-only[1\: the threshold alone decides, not the ratio]:N:' \
      '--every[another gate every so many layers; 0\: one gate]:N:' \
      '--window[last rows whose attention scores the others (query)]:N:' \
      '--gate-layers[layers up to the gate that the score looks at (query)]:N:' \
      '--pool[neighbours over which a score'\''s maximum is taken; odd (query)]:N:' \
      '--prefix[first rows that are never halted]:N:' \
      '--suffix[last rows that are never halted]:N:' \
      '--min-tokens[shorter prompts stay dense]:N:' \
      '--wake[attention heads'\'' worth on a halted passage that wakes it in decoding; 0\: none]:X:' \
      '--gate-seed[seed of the policy random]:N:' \
      '--quality[what the model'\''s calibration may cost; it decides the gate unless a setting of the gate is given]:NAME:(strict balanced fast)' \
      '--calibration[calibration file; none\: go without \[default\: beside the model, or installed\]]:FILE:_files' \
      '--seed[seed of the sampler]:N:' \
      '--isa[instruction set level of the kernels; one that the machine lacks is an error]:NAME:(auto ref avx2 avxvnni avx512 vnni amx neon dot i8mm)' \
      '--threads[threads of the team; 0\: as many as the process may use]:N:' \
      '--numa[where threads stand and memory lies on a machine with several memory nodes]:NAME:(auto off spread local replicate)' \
      '--numerics[int8\: the same bits everywhere; float\: fp32 through BLAS]:NAME:(int8 float)' \
      '--device[auto\: a GPU if one can take layers; none\: touch no driver; cuda\:N\: GPU N or an error]:NAME:(auto none cuda cuda:0 cuda:1 cuda:2 cuda:3 cuda:4 cuda:5 cuda:6 cuda:7)' \
      '--gpu-layers[layers on the GPU, the lowest; -1\: all that fit]:N:' \
      '--gpu-memory[most bytes to take on the GPU; 0\: what is free there, but an eighth]:BYTES:' \
      '--mmap[1\: map the model file, 0\: read it into memory]:N:' \
      '--panels[layers whose panels are kept at once; 0\: all that fit]:N:' \
      '--memory-limit[most bytes to allocate; 0\: no limit]:BYTES:' \
      '--json[one JSON object on standard output; the schema is in the man page]' \
      '--quiet[no report and no progress, only the result]' \
      '--progress[progress on standard error; auto\: on a terminal]:WHEN:(auto always never)' \
      '--help[print this help]' \
      '--version[print the version]' \
      '*:file:_files' ;;
    bench) _arguments -s \
      '--model[GGUF model file (of a split one\: the first part)]:FILE:_files' \
      '*--file[a text to prefill, repeated as needed \[default\: tokens made from --seed\]]:FILE:_files' \
      '--predict[tokens to decode at each depth]:N:' \
      '--lengths[prompt lengths of the prefill \[default 512,2048,8192\]]:N,N,...:' \
      '--depths[prompt lengths before the decoding; 0\: none \[default 512,2048\]]:N,N,...:' \
      '--kinds[what the time of each prefill went into, by kind of work]' \
      '--repeat[measurements behind each median]:N:' \
      '--dense[halt nothing\: --policy dense]' \
      '--ctx[most tokens of a session; 0\: what the model was trained for]:N:' \
      '--chunk[rows that go through the layers together; on a GPU up to 16 x]:N:' \
      '--policy[how rows are scored at the gate]:NAME:(query delta block random inverse recent dense)' \
      '--start[layer of the gate as a part of all layers (l_s)]:X:' \
      '--ratio[part of the tokens to halt (rho)]:X:' \
      '--tau[halt only rows that score below this; -1\: no threshold]:X:' \
      '--tau-only[1\: the threshold alone decides, not the ratio]:N:' \
      '--every[another gate every so many layers; 0\: one gate]:N:' \
      '--window[last rows whose attention scores the others (query)]:N:' \
      '--gate-layers[layers up to the gate that the score looks at (query)]:N:' \
      '--pool[neighbours over which a score'\''s maximum is taken; odd (query)]:N:' \
      '--prefix[first rows that are never halted]:N:' \
      '--suffix[last rows that are never halted]:N:' \
      '--min-tokens[shorter prompts stay dense]:N:' \
      '--wake[attention heads'\'' worth on a halted passage that wakes it in decoding; 0\: none]:X:' \
      '--gate-seed[seed of the policy random]:N:' \
      '--quality[what the model'\''s calibration may cost; it decides the gate unless a setting of the gate is given]:NAME:(strict balanced fast)' \
      '--calibration[calibration file; none\: go without \[default\: beside the model, or installed\]]:FILE:_files' \
      '--seed[seed of the sampler]:N:' \
      '--isa[instruction set level of the kernels; one that the machine lacks is an error]:NAME:(auto ref avx2 avxvnni avx512 vnni amx neon dot i8mm)' \
      '--threads[threads of the team; 0\: as many as the process may use]:N:' \
      '--numa[where threads stand and memory lies on a machine with several memory nodes]:NAME:(auto off spread local replicate)' \
      '--numerics[int8\: the same bits everywhere; float\: fp32 through BLAS]:NAME:(int8 float)' \
      '--device[auto\: a GPU if one can take layers; none\: touch no driver; cuda\:N\: GPU N or an error]:NAME:(auto none cuda cuda:0 cuda:1 cuda:2 cuda:3 cuda:4 cuda:5 cuda:6 cuda:7)' \
      '--gpu-layers[layers on the GPU, the lowest; -1\: all that fit]:N:' \
      '--gpu-memory[most bytes to take on the GPU; 0\: what is free there, but an eighth]:BYTES:' \
      '--mmap[1\: map the model file, 0\: read it into memory]:N:' \
      '--panels[layers whose panels are kept at once; 0\: all that fit]:N:' \
      '--memory-limit[most bytes to allocate; 0\: no limit]:BYTES:' \
      '--json[one JSON object on standard output; the schema is in the man page]' \
      '--quiet[no report and no progress, only the result]' \
      '--progress[progress on standard error; auto\: on a terminal]:WHEN:(auto always never)' \
      '--help[print this help]' \
      '--version[print the version]' \
      '*:file:_files' ;;
    cpu) _arguments -s \
      '--seed[seed of the sampler]:N:' \
      '--isa[instruction set level of the kernels; one that the machine lacks is an error]:NAME:(auto ref avx2 avxvnni avx512 vnni amx neon dot i8mm)' \
      '--threads[threads of the team; 0\: as many as the process may use]:N:' \
      '--numa[where threads stand and memory lies on a machine with several memory nodes]:NAME:(auto off spread local replicate)' \
      '--numerics[int8\: the same bits everywhere; float\: fp32 through BLAS]:NAME:(int8 float)' \
      '--device[auto\: a GPU if one can take layers; none\: touch no driver; cuda\:N\: GPU N or an error]:NAME:(auto none cuda cuda:0 cuda:1 cuda:2 cuda:3 cuda:4 cuda:5 cuda:6 cuda:7)' \
      '--gpu-layers[layers on the GPU, the lowest; -1\: all that fit]:N:' \
      '--gpu-memory[most bytes to take on the GPU; 0\: what is free there, but an eighth]:BYTES:' \
      '--mmap[1\: map the model file, 0\: read it into memory]:N:' \
      '--panels[layers whose panels are kept at once; 0\: all that fit]:N:' \
      '--memory-limit[most bytes to allocate; 0\: no limit]:BYTES:' \
      '--json[one JSON object on standard output; the schema is in the man page]' \
      '--quiet[no report and no progress, only the result]' \
      '--progress[progress on standard error; auto\: on a terminal]:WHEN:(auto always never)' \
      '--help[print this help]' \
      '--version[print the version]' \
      '*:file:_files' ;;
    selftest) _arguments -s \
      '--seed[seed of the sampler]:N:' \
      '--isa[instruction set level of the kernels; one that the machine lacks is an error]:NAME:(auto ref avx2 avxvnni avx512 vnni amx neon dot i8mm)' \
      '--threads[threads of the team; 0\: as many as the process may use]:N:' \
      '--numa[where threads stand and memory lies on a machine with several memory nodes]:NAME:(auto off spread local replicate)' \
      '--numerics[int8\: the same bits everywhere; float\: fp32 through BLAS]:NAME:(int8 float)' \
      '--device[auto\: a GPU if one can take layers; none\: touch no driver; cuda\:N\: GPU N or an error]:NAME:(auto none cuda cuda:0 cuda:1 cuda:2 cuda:3 cuda:4 cuda:5 cuda:6 cuda:7)' \
      '--gpu-layers[layers on the GPU, the lowest; -1\: all that fit]:N:' \
      '--gpu-memory[most bytes to take on the GPU; 0\: what is free there, but an eighth]:BYTES:' \
      '--mmap[1\: map the model file, 0\: read it into memory]:N:' \
      '--panels[layers whose panels are kept at once; 0\: all that fit]:N:' \
      '--memory-limit[most bytes to allocate; 0\: no limit]:BYTES:' \
      '--json[one JSON object on standard output; the schema is in the man page]' \
      '--quiet[no report and no progress, only the result]' \
      '--progress[progress on standard error; auto\: on a terminal]:WHEN:(auto always never)' \
      '--help[print this help]' \
      '--version[print the version]' \
      '*:file:_files' ;;
    digest) _arguments -s \
      '--model[GGUF model file (of a split one\: the first part)]:FILE:_files' \
      '--prompt[the prompt; "-" reads standard input]:TEXT:' \
      '*--file[text from a file, before the prompt; "-" reads standard input; may be repeated]:FILE:_files' \
      '--tokens[the prompt as token ids\: 1,2,3 or @FILE]:IDS:' \
      '--system[system message of the chat template]:TEXT:' \
      '--raw[no chat template\: the model continues the text as it is]' \
      '--parse-special[spellings of special tokens in the text become those tokens]' \
      '--no-bos[no beginning-of-sequence token before plain text, even if the file asks for it]' \
      '--predict[greedy tokens to decode]:N:' \
      '--dense[halt nothing\: --policy dense]' \
      '--temp[short for --temperature]:X:' \
      '--ctx[most tokens of a session; 0\: what the model was trained for]:N:' \
      '--chunk[rows that go through the layers together; on a GPU up to 16 x]:N:' \
      '--policy[how rows are scored at the gate]:NAME:(query delta block random inverse recent dense)' \
      '--start[layer of the gate as a part of all layers (l_s)]:X:' \
      '--ratio[part of the tokens to halt (rho)]:X:' \
      '--tau[halt only rows that score below this; -1\: no threshold]:X:' \
      '--tau-only[1\: the threshold alone decides, not the ratio]:N:' \
      '--every[another gate every so many layers; 0\: one gate]:N:' \
      '--window[last rows whose attention scores the others (query)]:N:' \
      '--gate-layers[layers up to the gate that the score looks at (query)]:N:' \
      '--pool[neighbours over which a score'\''s maximum is taken; odd (query)]:N:' \
      '--prefix[first rows that are never halted]:N:' \
      '--suffix[last rows that are never halted]:N:' \
      '--min-tokens[shorter prompts stay dense]:N:' \
      '--wake[attention heads'\'' worth on a halted passage that wakes it in decoding; 0\: none]:X:' \
      '--gate-seed[seed of the policy random]:N:' \
      '--quality[what the model'\''s calibration may cost; it decides the gate unless a setting of the gate is given]:NAME:(strict balanced fast)' \
      '--calibration[calibration file; none\: go without \[default\: beside the model, or installed\]]:FILE:_files' \
      '--temperature[0\: the most probable token]:X:' \
      '--top-p[keep the most probable tokens that sum up to this; 1\: all]:X:' \
      '--min-p[drop tokens less probable than this part of the best]:X:' \
      '--repeat-penalty[divides logits of tokens that occurred; 1\: none]:X:' \
      '--top-k[keep the k most probable tokens; 0\: all]:N:' \
      '--repeat-last[tokens back that the repetition penalty looks]:N:' \
      '--seed[seed of the sampler]:N:' \
      '--isa[instruction set level of the kernels; one that the machine lacks is an error]:NAME:(auto ref avx2 avxvnni avx512 vnni amx neon dot i8mm)' \
      '--threads[threads of the team; 0\: as many as the process may use]:N:' \
      '--numa[where threads stand and memory lies on a machine with several memory nodes]:NAME:(auto off spread local replicate)' \
      '--numerics[int8\: the same bits everywhere; float\: fp32 through BLAS]:NAME:(int8 float)' \
      '--device[auto\: a GPU if one can take layers; none\: touch no driver; cuda\:N\: GPU N or an error]:NAME:(auto none cuda cuda:0 cuda:1 cuda:2 cuda:3 cuda:4 cuda:5 cuda:6 cuda:7)' \
      '--gpu-layers[layers on the GPU, the lowest; -1\: all that fit]:N:' \
      '--gpu-memory[most bytes to take on the GPU; 0\: what is free there, but an eighth]:BYTES:' \
      '--mmap[1\: map the model file, 0\: read it into memory]:N:' \
      '--panels[layers whose panels are kept at once; 0\: all that fit]:N:' \
      '--memory-limit[most bytes to allocate; 0\: no limit]:BYTES:' \
      '--json[one JSON object on standard output; the schema is in the man page]' \
      '--quiet[no report and no progress, only the result]' \
      '--progress[progress on standard error; auto\: on a terminal]:WHEN:(auto always never)' \
      '--help[print this help]' \
      '--version[print the version]' \
      '*:file:_files' ;;
    completion) compadd bash zsh fish ;;
    help) compadd run ask chat tokenize inspect perplexity eval calibrate trace plot bench cpu selftest digest help completion ;;
  esac
}
_stillpoint "$@"
