import { setFlagsFromString } from 'node:v8'

/**
 * Keeps V8 from giving more room to new objects than they have now. It doubles the room whenever many of them survive, as
 * they do when many clients log in, up to dozens of MiB; what a server that falls idle has in there is garbage that nobody
 * collects. For a process that serves, before it does: what V8 has given stays given.
 */
export function keepYoungGenerationSmall(): void {
  // Unlike the sizes themselves, this one is read again at every collection.
  setFlagsFromString('--semi-space-growth-factor=1')
}
