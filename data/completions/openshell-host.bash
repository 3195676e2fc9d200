# SPDX-License-Identifier: Apache-2.0
# bash completion for openshell-host(1). Needs nothing but bash: bash-completion loads it by its name,
# and "source FILE" does as well.

_openshell_host_reply() {
    # shellcheck disable=SC2207 # one word a line, none of them a pattern
    COMPREPLY=($(compgen -W "$1" -- "$2"))
}

# Names that end in "=" get no blank behind them.
_openshell_host_settings() {
    local names
    names=$("$1" plugins settings 2> /dev/null | while read -r name _; do echo "$name="; done)
    _openshell_host_reply "$names" "$2"
    compopt -o nospace 2> /dev/null || true
}

_openshell_host_plugins() {
    local ids
    ids=$("$1" plugins 2> /dev/null | while read -r id _; do [ "$id" = ID ] || echo "$id"; done)
    _openshell_host_reply "$ids" "$2"
}

# The options of a verb, "" for those of a run. The test of the completions holds them against --help.
_openshell_host_options() {
    case $1 in
        "") echo --policy --policy-posture --workdir --timeout --publish --events --record --audit \
            --allow-degraded --quiet --verbose --config --plugin-dir --set --enable --disable --version \
            --help ;;
        init) echo --output --force --help ;;
        check) echo --json --run --openshell --strict --plugin-dir --help ;;
        explain) echo --binary --ancestor --address --graphql-operation --rpc-method --mcp-tool \
            --mcp-version --mcp-argument --websocket-text --sql --fact --plugin-dir --json --help ;;
        policy-format) echo --drop-comments --plugin-dir --help ;;
        policy-merge) echo --proposed --plugin-dir --help ;;
        policy-compose) echo --replace --provider --plugin-dir --help ;;
        policy-covers) echo --plugin-dir --help ;;
        policy-learn) echo --ceiling --base --requests --output --plugin-dir --help ;;
        policy) echo --help ;;
        replay) echo --json --strict --plugin-dir --help ;;
        attach) echo --read-only --help ;;
        doctor | plugins) echo --policy --workdir --allow-degraded --config --plugin-dir --set \
            --enable --disable --help ;;
    esac
}

# Words of the value of an option; fails where it is a file, which bash completes by itself.
_openshell_host_value() {
    case $2 in
        --policy-posture) _openshell_host_reply "retain_last_valid fail_closed" "$3" ;;
        --allow-degraded) _openshell_host_reply "capture landlock proc user" "$3" ;;
        --set) _openshell_host_settings "$1" "$3" ;;
        --enable | --disable) _openshell_host_plugins "$1" "$3" ;;
        --timeout | --publish | --address | --graphql-operation | --rpc-method | --mcp-version | \
            --mcp-tool | --mcp-argument | --sql | --fact | --provider) COMPREPLY=() ;;
        --policy | --workdir | --events | --record | --config | --plugin-dir | --binary | \
            --ancestor | --ceiling | --base | --output) COMPREPLY=() ;;
        *) return 1 ;;
    esac
}

_openshell_host() {
    local command=$1 word=$2 before=$3 verb="" last="" i
    local verbs="init check explain policy replay attach doctor plugins"

    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        if [ "${COMP_WORDS[i]}" = -- ]; then
            # The program's own words: the command, then whatever it takes.
            [ "$i" -eq "$((COMP_CWORD - 1))" ] &&
                mapfile -t COMPREPLY < <(compgen -c -- "$word")
            return
        fi
        # What an option takes is no verb. "=" is a word of its own, as COMP_WORDBREAKS has it.
        case $last in
            --policy | --policy-posture | --workdir | --timeout | --publish | --events | --record | \
                --allow-degraded | --config | --plugin-dir | --set | --enable | --disable) ;;
            *)
                if [ "$verb" = policy ] && [[ ${COMP_WORDS[i]} != -* ]]; then
                    verb="policy-${COMP_WORDS[i]}"
                elif [ -z "$verb" ] && [[ " $verbs " = *" ${COMP_WORDS[i]} "* ]]; then
                    verb=${COMP_WORDS[i]}
                fi
                ;;
        esac
        [ "${COMP_WORDS[i]}" = = ] || last=${COMP_WORDS[i]}
    done
    if [ "$before" = = ] || [ "$word" = = ]; then
        before=$last
        [ "$word" != = ] || word=""
    fi
    if [[ $before = --* ]] && _openshell_host_value "$command" "$before" "$word"; then
        return
    fi
    if [[ $word = -* ]]; then
        _openshell_host_reply "$(_openshell_host_options "$verb")" "$word"
        return
    fi
    case $verb in
        "") _openshell_host_reply "$verbs" "$word" ;;
        policy) _openshell_host_reply "format merge compose covers learn" "$word" ;;
        plugins)
            case $before in
                inspect) _openshell_host_plugins "$command" "$word" ;;
                plugins) _openshell_host_reply "inspect settings" "$word" ;;
            esac
            ;;
        init)
            [ "$before" != init ] ||
                _openshell_host_reply "$("$command" init 2> /dev/null |
                    while read -r name _; do echo "$name"; done)" "$word"
            ;;
    esac
}

complete -o bashdefault -o default -F _openshell_host openshell-host
