import type { Resource } from '../session/session-registry.ts'

/** RFC 6121 §5.2.2 */
export type MessageType = 'chat' | 'error' | 'groupchat' | 'headline' | 'normal'

/** Where a message to an account ends up. */
export type Destination =
  /** The available resources with the highest priority, never a negative one. */
  | 'most-available'
  /** Every available resource whose priority is not negative; without one the message is dropped. */
  | 'all-available'
  /** Nobody: the sender hears `service-unavailable`. */
  | 'bounce'
  /** Nobody, and nobody hears of it. */
  | 'drop'

/** RFC 6121 §8.5.2.1.1: a message to a bare JID with available resources. */
const BARE: Readonly<Record<MessageType, Destination>> = {
  normal: 'most-available',
  chat: 'most-available',
  groupchat: 'bounce',
  headline: 'all-available',
  error: 'drop',
}

/** RFC 6121 §8.5.3.2.1: a message to a full JID that is not connected; of all types only chat may go elsewhere. */
const STALE_FULL: Readonly<Record<MessageType, Destination>> = {
  normal: 'bounce',
  chat: 'most-available',
  groupchat: 'bounce',
  headline: 'drop',
  error: 'drop',
}

/** RFC 6121 §5.2.2: a type that is not known counts as normal. */
export function messageType(value: string | undefined): MessageType {
  return value !== undefined && Object.hasOwn(BARE, value) ? (value as MessageType) : 'normal'
}

/** The rule for a message that no session is named by; `full` tells that it named a resource that is gone. */
export function destinationOf(type: MessageType, full: boolean): Destination {
  return (full ? STALE_FULL : BARE)[type]
}

/** The resources that a destination means, out of all of an account. */
export function recipients(destination: Destination, resources: readonly Resource[]): readonly Resource[] {
  if (destination === 'bounce' || destination === 'drop') return []
  const willing = resources.filter(({ presence }) => presence !== undefined && presence.priority >= 0)
  if (destination === 'all-available') return willing
  const highest = Math.max(...willing.map(({ presence }) => presence?.priority ?? 0))
  return willing.filter(({ presence }) => presence?.priority === highest)
}
