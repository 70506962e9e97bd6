import { describeCompletion } from '../../../interop/shells/completing-shell.ts'

describeCompletion('zsh')
describeCompletion('fish')
