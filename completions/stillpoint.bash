# bash completion of stillpoint, made by `stillpoint completion bash`
_stillpoint() {
  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]} words=
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W 'run ask chat tokenize inspect perplexity eval calibrate trace plot bench cpu selftest digest help completion' -- "$current"))
    return
  fi
  case $command:$before in
    run:--policy) words='query delta block random inverse recent dense' ;;
    run:--quality) words='strict balanced fast' ;;
    run:--isa) words='auto ref avx2 avxvnni avx512 vnni amx neon dot i8mm' ;;
    run:--numa) words='auto off spread local replicate' ;;
    run:--numerics) words='int8 float' ;;
    run:--device) words='auto none cuda cuda:0 cuda:1 cuda:2 cuda:3 cuda:4 cuda:5 cuda:6 cuda:7' ;;
    run:--progress) words='auto always never' ;;
    ask:--policy) words='query delta block random inverse recent dense' ;;
    ask:--quality) words='strict balanced fast' ;;
    ask:--isa) words='auto ref avx2 avxvnni avx512 vnni amx neon dot i8mm' ;;
    ask:--numa) words='auto off spread local replicate' ;;
    ask:--numerics) words='int8 float' ;;
    ask:--device) words='auto none cuda cuda:0 cuda:1 cuda:2 cuda:3 cuda:4 cuda:5 cuda:6 cuda:7' ;;
    ask:--progress) words='auto always never' ;;
    chat:--policy) words='query delta block random inverse recent dense' ;;
    chat:--quality) words='strict balanced fast' ;;
    chat:--isa) words='auto ref avx2 avxvnni avx512 vnni amx neon dot i8mm' ;;
    chat:--numa) words='auto off spread local replicate' ;;
    chat:--numerics) words='int8 float' ;;
    chat:--device) words='auto none cuda cuda:0 cuda:1 cuda:2 cuda:3 cuda:4 cuda:5 cuda:6 cuda:7' ;;
    chat:--progress) words='auto always never' ;;
    tokenize:--show) words='table ids text count' ;;
    tokenize:--isa) words='auto ref avx2 avxvnni avx512 vnni amx neon dot i8mm' ;;
    tokenize:--numa) words='auto off spread local replicate' ;;
    tokenize:--numerics) words='int8 float' ;;
    tokenize:--device) words='auto none cuda cuda:0 cuda:1 cuda:2 cuda:3 cuda:4 cuda:5 cuda:6 cuda:7' ;;
    tokenize:--progress) words='auto always never' ;;
    inspect:--policy) words='query delta block random inverse recent dense' ;;
    inspect:--quality) words='strict balanced fast' ;;
    inspect:--isa) words='auto ref avx2 avxvnni avx512 vnni amx neon dot i8mm' ;;
    inspect:--numa) words='auto off spread local replicate' ;;
    inspect:--numerics) words='int8 float' ;;
    inspect:--device) words='auto none cuda cuda:0 cuda:1 cuda:2 cuda:3 cuda:4 cuda:5 cuda:6 cuda:7' ;;
    inspect:--progress) words='auto always never' ;;
    perplexity:--policy) words='query delta block random inverse recent dense' ;;
    perplexity:--quality) words='strict balanced fast' ;;
    perplexity:--isa) words='auto ref avx2 avxvnni avx512 vnni amx neon dot i8mm' ;;
    perplexity:--numa) words='auto off spread local replicate' ;;
    perplexity:--numerics) words='int8 float' ;;
    perplexity:--device) words='auto none cuda cuda:0 cuda:1 cuda:2 cuda:3 cuda:4 cuda:5 cuda:6 cuda:7' ;;
    perplexity:--progress) words='auto always never' ;;
    eval:--policy) words='query delta block random inverse recent dense' ;;
    eval:--quality) words='strict balanced fast' ;;
    eval:--isa) words='auto ref avx2 avxvnni avx512 vnni amx neon dot i8mm' ;;
    eval:--numa) words='auto off spread local replicate' ;;
    eval:--numerics) words='int8 float' ;;
    eval:--device) words='auto none cuda cuda:0 cuda:1 cuda:2 cuda:3 cuda:4 cuda:5 cuda:6 cuda:7' ;;
    eval:--progress) words='auto always never' ;;
    calibrate:--isa) words='auto ref avx2 avxvnni avx512 vnni amx neon dot i8mm' ;;
    calibrate:--numa) words='auto off spread local replicate' ;;
    calibrate:--numerics) words='int8 float' ;;
    calibrate:--device) words='auto none cuda cuda:0 cuda:1 cuda:2 cuda:3 cuda:4 cuda:5 cuda:6 cuda:7' ;;
    calibrate:--progress) words='auto always never' ;;
    trace:--show) words='trace text none' ;;
    trace:--policy) words='query delta block random inverse recent dense' ;;
    trace:--quality) words='strict balanced fast' ;;
    trace:--isa) words='auto ref avx2 avxvnni avx512 vnni amx neon dot i8mm' ;;
    trace:--numa) words='auto off spread local replicate' ;;
    trace:--numerics) words='int8 float' ;;
    trace:--device) words='auto none cuda cuda:0 cuda:1 cuda:2 cuda:3 cuda:4 cuda:5 cuda:6 cuda:7' ;;
    trace:--progress) words='auto always never' ;;
    plot:--format) words='auto svg png' ;;
    plot:--policy) words='query delta block random inverse recent dense' ;;
    plot:--quality) words='strict balanced fast' ;;
    plot:--isa) words='auto ref avx2 avxvnni avx512 vnni amx neon dot i8mm' ;;
    plot:--numa) words='auto off spread local replicate' ;;
    plot:--numerics) words='int8 float' ;;
    plot:--device) words='auto none cuda cuda:0 cuda:1 cuda:2 cuda:3 cuda:4 cuda:5 cuda:6 cuda:7' ;;
    plot:--progress) words='auto always never' ;;
    bench:--policy) words='query delta block random inverse recent dense' ;;
    bench:--quality) words='strict balanced fast' ;;
    bench:--isa) words='auto ref avx2 avxvnni avx512 vnni amx neon dot i8mm' ;;
    bench:--numa) words='auto off spread local replicate' ;;
    bench:--numerics) words='int8 float' ;;
    bench:--device) words='auto none cuda cuda:0 cuda:1 cuda:2 cuda:3 cuda:4 cuda:5 cuda:6 cuda:7' ;;
    bench:--progress) words='auto always never' ;;
    cpu:--isa) words='auto ref avx2 avxvnni avx512 vnni amx neon dot i8mm' ;;
    cpu:--numa) words='auto off spread local replicate' ;;
    cpu:--numerics) words='int8 float' ;;
    cpu:--device) words='auto none cuda cuda:0 cuda:1 cuda:2 cuda:3 cuda:4 cuda:5 cuda:6 cuda:7' ;;
    cpu:--progress) words='auto always never' ;;
    selftest:--isa) words='auto ref avx2 avxvnni avx512 vnni amx neon dot i8mm' ;;
    selftest:--numa) words='auto off spread local replicate' ;;
    selftest:--numerics) words='int8 float' ;;
    selftest:--device) words='auto none cuda cuda:0 cuda:1 cuda:2 cuda:3 cuda:4 cuda:5 cuda:6 cuda:7' ;;
    selftest:--progress) words='auto always never' ;;
    digest:--policy) words='query delta block random inverse recent dense' ;;
    digest:--quality) words='strict balanced fast' ;;
    digest:--isa) words='auto ref avx2 avxvnni avx512 vnni amx neon dot i8mm' ;;
    digest:--numa) words='auto off spread local replicate' ;;
    digest:--numerics) words='int8 float' ;;
    digest:--device) words='auto none cuda cuda:0 cuda:1 cuda:2 cuda:3 cuda:4 cuda:5 cuda:6 cuda:7' ;;
    digest:--progress) words='auto always never' ;;
    completion:*) words='bash zsh fish' ;;
    help:*) words='run ask chat tokenize inspect perplexity eval calibrate trace plot bench cpu selftest digest help completion' ;;
    *:--model|*:-m|*:--file|*:-f) ;;
    *)
      case $command:$current in
        run:-*) words='--model --prompt --file --tokens --system --raw --parse-special --no-bos --predict --stop --logprobs --dense --temp --ctx --chunk --policy --start --ratio --tau --tau-only --every --window --gate-layers --pool --prefix --suffix --min-tokens --wake --gate-seed --quality --calibration --temperature --top-p --min-p --repeat-penalty --top-k --repeat-last --seed --isa --threads --numa --numerics --device --gpu-layers --gpu-memory --mmap --panels --memory-limit --json --quiet --progress --help --version' ;;
        ask:-*) words='--model --file --question --questions --save --load --system --raw --parse-special --no-bos --predict --stop --dense --temp --ctx --chunk --policy --start --ratio --tau --tau-only --every --window --gate-layers --pool --prefix --suffix --min-tokens --wake --gate-seed --quality --calibration --temperature --top-p --min-p --repeat-penalty --top-k --repeat-last --seed --isa --threads --numa --numerics --device --gpu-layers --gpu-memory --mmap --panels --memory-limit --json --quiet --progress --help --version' ;;
        chat:-*) words='--model --file --prompt --system --parse-special --predict --stop --dense --temp --ctx --chunk --policy --start --ratio --tau --tau-only --every --window --gate-layers --pool --prefix --suffix --min-tokens --wake --gate-seed --quality --calibration --temperature --top-p --min-p --repeat-penalty --top-k --repeat-last --seed --isa --threads --numa --numerics --device --gpu-layers --gpu-memory --mmap --panels --memory-limit --json --quiet --progress --help --version' ;;
        tokenize:-*) words='--model --prompt --file --tokens --system --chat --parse-special --no-bos --show --seed --isa --threads --numa --numerics --device --gpu-layers --gpu-memory --mmap --panels --memory-limit --json --quiet --progress --help --version' ;;
        inspect:-*) words='--model --keys --tensors --dense --ctx --chunk --policy --start --ratio --tau --tau-only --every --window --gate-layers --pool --prefix --suffix --min-tokens --wake --gate-seed --quality --calibration --seed --isa --threads --numa --numerics --device --gpu-layers --gpu-memory --mmap --panels --memory-limit --json --quiet --progress --help --version' ;;
        perplexity:-*) words='--model --file --no-bos --chunk-tokens --chunks --first --against --continuation --dense --ctx --chunk --policy --start --ratio --tau --tau-only --every --window --gate-layers --pool --prefix --suffix --min-tokens --wake --gate-seed --quality --calibration --seed --isa --threads --numa --numerics --device --gpu-layers --gpu-memory --mmap --panels --memory-limit --json --quiet --progress --help --version' ;;
        eval:-*) words='--model --file --hay --sets --predict --continuation --places --questions --per-text --lengths --depths --out --plot --ctx --chunk --policy --start --ratio --tau --tau-only --every --window --gate-layers --pool --prefix --suffix --min-tokens --wake --gate-seed --quality --calibration --seed --isa --threads --numa --numerics --device --gpu-layers --gpu-memory --mmap --panels --memory-limit --json --quiet --progress --help --version' ;;
        calibrate:-*) words='--model --file --hay --lengths --eps --points --texts --final-texts --per-text --answers --places --final-places --continuation --starts --ratios --pools --wakes --min-tokens --out --results --exhaustive --timed --seed --isa --threads --numa --numerics --device --gpu-layers --gpu-memory --mmap --panels --memory-limit --json --quiet --progress --help --version' ;;
        trace:-*) words='--model --prompt --file --tokens --system --raw --parse-special --no-bos --out --show --html --dense --ctx --chunk --policy --start --ratio --tau --tau-only --every --window --gate-layers --pool --prefix --suffix --min-tokens --wake --gate-seed --quality --calibration --seed --isa --threads --numa --numerics --device --gpu-layers --gpu-memory --mmap --panels --memory-limit --json --quiet --progress --help --version' ;;
        plot:-*) words='--model --prompt --file --tokens --system --raw --parse-special --no-bos --out --format --dense --ctx --chunk --policy --start --ratio --tau --tau-only --every --window --gate-layers --pool --prefix --suffix --min-tokens --wake --gate-seed --quality --calibration --seed --isa --threads --numa --numerics --device --gpu-layers --gpu-memory --mmap --panels --memory-limit --json --quiet --progress --help --version' ;;
        bench:-*) words='--model --file --predict --lengths --depths --kinds --repeat --dense --ctx --chunk --policy --start --ratio --tau --tau-only --every --window --gate-layers --pool --prefix --suffix --min-tokens --wake --gate-seed --quality --calibration --seed --isa --threads --numa --numerics --device --gpu-layers --gpu-memory --mmap --panels --memory-limit --json --quiet --progress --help --version' ;;
        cpu:-*) words='--seed --isa --threads --numa --numerics --device --gpu-layers --gpu-memory --mmap --panels --memory-limit --json --quiet --progress --help --version' ;;
        selftest:-*) words='--seed --isa --threads --numa --numerics --device --gpu-layers --gpu-memory --mmap --panels --memory-limit --json --quiet --progress --help --version' ;;
        digest:-*) words='--model --prompt --file --tokens --system --raw --parse-special --no-bos --predict --dense --temp --ctx --chunk --policy --start --ratio --tau --tau-only --every --window --gate-layers --pool --prefix --suffix --min-tokens --wake --gate-seed --quality --calibration --temperature --top-p --min-p --repeat-penalty --top-k --repeat-last --seed --isa --threads --numa --numerics --device --gpu-layers --gpu-memory --mmap --panels --memory-limit --json --quiet --progress --help --version' ;;
      esac ;;
  esac
  if [ -n "$words" ]; then COMPREPLY=($(compgen -W "$words" -- "$current"))
  else COMPREPLY=($(compgen -f -- "$current")); fi
}
complete -o filenames -F _stillpoint stillpoint
