import { describe, expect, it } from 'vitest'
import { type LeavingVerdict, Outgoing } from '../../../src/server/session/outgoing.ts'
import { parseJid } from '../../../src/xmpp/address/jid.ts'
import { Stanza } from '../../../src/xmpp/stanza.ts'
import { xml } from '../../../src/xmpp/xml/element.ts'

const alice = parseJid('alice@localhost/a')
const message = (id: string) => new Stanza(xml('message', { id }), 'message', alice, undefined)

function outlet() {
  const sent: string[] = []
  const send = (text: string) => void sent.push(/id="([^"]*)"/.exec(text)?.[1] ?? text)
  return { sent, send, isClogged: false }
}

/** Holds those whose id begins with its own letter. */
const holding =
  (letter: string, seen: string[] = []) =>
  ({ id = '' }: Stanza): LeavingVerdict => {
    seen.push(`${letter}:${id}`)
    return id.startsWith(letter) ? 'hold' : 'send'
  }

describe('what is outgoing', () => {
  it('goes at once to a client that reads', () => {
    const wire = outlet()
    const outgoing = new Outgoing([])
    outgoing.add(message('1'), wire)
    expect([wire.sent, outgoing.octets]).toEqual([['1'], 0])
  })

  it('waits for a client that does not read, or that is not there, and is counted', () => {
    const wire = { ...outlet(), isClogged: true }
    const outgoing = new Outgoing([])
    outgoing.add(message('1'), wire)
    outgoing.add(message('ä'), undefined)
    expect([wire.sent, outgoing.octets]).toEqual([[], '<message id="1"/>'.length + '<message id="ä"/>'.length + 1])
    outgoing.flush({ ...wire, isClogged: false })
    expect([wire.sent, outgoing.octets]).toEqual([['1', 'ä'], 0])
  })

  it('passes each handler once, and goes with the next that is let go', () => {
    const wire = outlet()
    const seen: string[] = []
    const outgoing = new Outgoing([holding('a', seen), holding('b', seen)])
    for (const id of ['a1', 'b1', 'c1']) outgoing.add(message(id), wire)
    expect(wire.sent).toEqual(['a1', 'b1', 'c1'])
    expect(seen.toSorted()).toEqual(['a:a1', 'a:b1', 'a:c1', 'b:a1', 'b:b1', 'b:c1'])
  })

  it('keeps its order when a client reads again and something is held', () => {
    const wire = { ...outlet(), isClogged: true }
    const outgoing = new Outgoing([holding('a')])
    for (const id of ['a1', 'c1', 'a2']) outgoing.add(message(id), wire)
    outgoing.flush(wire)
    expect(wire.sent).toEqual(['a1', 'c1'])
    outgoing.add(message('c2'), { ...wire, isClogged: false })
    expect([wire.sent, outgoing.octets]).toEqual([['a1', 'c1', 'a2', 'c2'], 0])
  })

  it('is given back when nobody will come for it', () => {
    const outgoing = new Outgoing([])
    for (const id of ['1', '2']) outgoing.add(message(id), undefined)
    expect(outgoing.takeAll().map(({ id }) => id)).toEqual(['1', '2'])
    expect([outgoing.takeAll(), outgoing.octets]).toEqual([[], 0])
  })
})
