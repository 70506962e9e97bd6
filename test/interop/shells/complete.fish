# Prints what fish offers for each command line in the arguments: the words, then a line with a dot.
# usage: complete.fish SCRIPT LINE...
source $argv[1]
for line in $argv[2..-1]
    complete -C $line | string replace -r '\t.*' ''
    echo .
end
