# Completion of llmd for bash. It asks llmd itself, so it fits every version.
# For one shell: source llmd.bash. For good: `llmd completion bash --install`.
_llmd() {
    local line tab=$'\t'
    COMPREPLY=()
    while IFS= read -r line; do
        if [[ $line == "$tab"* ]]; then
            # names of files: readline knows best how to quote them; bash 3.2 cannot be told to
            compopt -o default 2> /dev/null ||
                while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$2")
        else
            COMPREPLY+=("$line")
        fi
    done < <("$1" __complete bash "${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2> /dev/null)
}

complete -F _llmd llmd
