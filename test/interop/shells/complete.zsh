# Prints what zsh offers for each command line in the arguments: the words, then a line with a dot.
# usage: zsh -f complete.zsh SCRIPT LINE...
zmodload zsh/zpty
script=$1 offered=$(mktemp)
shift
zpty inner zsh -f -i
zpty -w inner "source ${(q)${0:A:h}}/complete-inner.zsh ${(q)script} ${(q)offered}"
zpty -r -m inner answer $'*\x06*'
for line in "$@"; do
  # Ctrl-U first: what an earlier completion has put into the line goes.
  zpty -w -n inner $'\x15'"$line"$'\t'
  zpty -r -m inner answer $'*\x01*\x02'
  answer=${${answer##*$'\x01'}%%$'\x02'*}
  print -r -- "${answer//$'\r'/}."
done
zpty -d inner
rm -f $offered
