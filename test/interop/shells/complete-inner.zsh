# The interactive zsh of complete.zsh: TAB prints the words that match, between two control characters.
autoload -Uz compinit
compinit -u -D
source "$1"
typeset -g offered=$2

compadd() {
  # These ask which words would match; they add none.
  if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then
    builtin compadd "$@"
    return
  fi
  local -a matching
  builtin compadd -A matching "$@"
  (( $#matching )) && print -rl -- "${matching[@]}" >>"$offered"
  builtin compadd "$@"
}

show-offered() {
  : >|"$offered"
  zle complete-offered
  print -rn -- $'\x01'"$(<$offered)"$'\n\x02'
  BUFFER=
}

zle -C complete-offered .complete-word _main_complete
zle -N show-offered
bindkey '^I' show-offered
print -n '\x06'
