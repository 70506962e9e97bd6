import { describe, expect, it } from 'vitest'
import { renderNginx } from '../../src/render/nginx.ts'
import { golden, readTemplate } from '../support/documents/rendered.ts'

const render = (url: string) => renderNginx({ url: new URL(url), command: 'xmppki config render TARGET' }, readTemplate)

/** The directives that depend on the URL. */
const found = (text: string) =>
  /\nhttp .*/s.exec(text)?.[0].match(/^\t\t(?:listen|server_name|location)\b.*|^\t\t\tproxy_pass .*/gm)

describe('the configuration of nginx', () => {
  it('is as it was', async () => {
    await expect(render('http://pki.example.org')).toMatchFileSnapshot(golden('nginx.conf'))
  })

  it.each([
    ['http://pki.example.org', '80', 'pki.example.org', '/', ''],
    ['https://example.org/pki', '80', 'example.org', '/pki/', '/'],
    ['http://[2001:db8::1]:8000/a/b', '8000', '[2001:db8::1]', '/a/b/', '/'],
    ["http://example.org/a;b'c", '80', 'example.org', `"/a;b'c/"`, '/'],
  ])('publishes at %s', (url, port, name, location, rest) => {
    expect(found(render(url))).toEqual([
      `\t\tlisten ${port};`,
      `\t\tlisten [::]:${port};`,
      `\t\tserver_name ${name};`,
      `\t\tlocation ${location} {`,
      `\t\t\tproxy_pass http://127.0.0.1:8080${rest};`,
    ])
  })
})
