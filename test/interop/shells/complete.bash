# Prints what bash offers for each command line in the arguments: the words, then a line with a dot.
# usage: complete.bash SCRIPT LINE...
source "$1"
shift
for COMP_LINE in "$@"; do
  COMP_POINT=${#COMP_LINE}
  COMPREPLY=()
  _xmppki
  printf '%s\n' "${COMPREPLY[@]}" .
done
