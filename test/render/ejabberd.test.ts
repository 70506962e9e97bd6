import { describe, expect, it } from 'vitest'
import { renderEjabberd } from '../../src/render/ejabberd.ts'
import { golden, readTemplate, serverRequest } from '../support/documents/rendered.ts'

describe('the configuration of ejabberd', () => {
  it.each([
    ['pki', false],
    ['rdbms-pki', true],
  ])('%s is as it was', async (name, passwords) => {
    const text = renderEjabberd(serverRequest({}, passwords), readTemplate)
    await expect(text).toMatchFileSnapshot(golden(`ejabberd-${name}.yml`))
  })

  it('quotes what YAML would read otherwise', () => {
    const text = renderEjabberd(serverRequest({ ca: '/srv/a: "b" #c' }), readTemplate)
    expect(text.match(/cafile: .*/g)).toEqual(Array(2).fill('cafile: "/srv/a: \\"b\\" #c"'))
  })
})
