import { describe, expect, it } from 'vitest'
import { about, attempt } from '../../src/doctor/finding.ts'
import { XmppkiError } from '../../src/errors.ts'

describe('a finding', () => {
  it('carries nothing that a terminal would obey', () => {
    expect(about('x')('ok', 'a\u001b[31mb\u009bc\n')).toEqual({
      check: 'x',
      state: 'ok',
      text: 'a\ufffd[31mb\ufffdc\ufffd',
    })
  })

  it.each([
    {
      name: 'an error of ours',
      error: new XmppkiError('IO', 'no room', { hint: 'make some' }),
      hint: { hint: 'make some' },
    },
    { name: 'any other', error: new Error('no room'), hint: {} },
  ])('is made of $name', async ({ error, hint }) => {
    const found = await attempt('disk', () => Promise.reject(error))
    expect(found).toEqual([{ check: 'disk', state: 'failed', text: expect.stringContaining('no room'), ...hint }])
  })
})
