# Completion of llmd for fish. It asks llmd itself, so it fits every version.
# Put this file into ~/.config/fish/completions, or run `llmd completion fish --install`.
function __llmd_offers
    set -l typed (commandline -opc)
    set -l current (commandline -ct)
    set -l program $typed[1]
    command -q $program; or set program llmd
    set -l files no
    for line in (command $program __complete fish $typed[2..-1] "$current" 2>/dev/null)
        if string match -q \t'*' -- $line
            set files yes
        else
            echo $line
        end
    end
    test $files = yes; and __fish_complete_path $current
end

complete -c llmd -f -k -a '(__llmd_offers)'
