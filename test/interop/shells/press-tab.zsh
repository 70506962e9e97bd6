# Types each command line of the arguments into a real bash, presses TAB, and prints the line that is there then.
# usage: zsh -f press-tab.zsh SCRIPT LINE...
zmodload zsh/zpty
zpty inner TERM=xterm bash --norc -i
zpty -w inner "source ${(q)1}; show() { printf '\\001%s\\002\\n' \"\$READLINE_LINE\"; READLINE_LINE=; }"
zpty -w inner "bind -x '\"\\C-g\": show'; printf '\\006'"
zpty -r -m inner answer $'*\x06*'
shift
for line in "$@"; do
  zpty -w -n inner "$line"$'\t\x07'
  zpty -r -m inner answer $'*\x01*\x02'
  print -r -- "${${answer##*$'\x01'}%%$'\x02'*}"
done
zpty -d inner
