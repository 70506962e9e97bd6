import { describe, expect, it } from 'vitest'
import { renderSystemd } from '../../src/render/systemd.ts'
import { golden, readTemplate } from '../support/documents/rendered.ts'

const render = (...program: string[]) =>
  renderSystemd({ domain: 'example.org', program, command: 'xmppki config render TARGET' }, readTemplate)

describe('the unit of systemd', () => {
  it('is as it was', async () => {
    await expect(render('/usr/bin/node', '/usr/lib/xmppki/bin/xmppki.cjs')).toMatchFileSnapshot(
      golden('xmppki.service'),
    )
  })

  it('runs other commands on what the service has', () => {
    const unit = render('node', 'xmppki.cjs')
    const [, home, config] = / serve --home (\S+) --config (\S+) /.exec(unit) ?? []
    expect(unit).toContain(`sudo -u xmppki env XMPPKI_HOME=${home} XMPPKI_CONFIG=${config} xmppki `)
  })

  it.each([
    ['/opt/my node/node', '"/opt/my node/node"'],
    ['/opt/100%/node', '/opt/100%%/node'],
    ['/opt/$HOME/node', '"/opt/$$HOME/node"'],
    ['/opt/"a\\b"/node', '"/opt/\\"a\\\\b\\"/node"'],
  ])('starts %s', (program, word) => {
    expect(render(program, 'x')).toContain(`\nExecStart=${word} x serve `)
  })

  it('refuses a line break, which would be another directive', () => {
    expect(() => render('/opt/a\nUser=root')).toThrow('has a control character')
  })
})
