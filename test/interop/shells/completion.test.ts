import { expect, it } from 'vitest'
import { describeCompletion } from './completing-shell.ts'

describeCompletion('bash', (bash) => {
  it.each([
    ['behind a colon', 'xmppki client issue --key-type rsa:2', ['2048']],
    ['behind an equals sign', 'xmppki client export --format=p', ['p12', 'pem']],
    ['behind both', 'xmppki client issue --key-type=ec:p2', ['p256']],
    ['from an at sign on', 'xmppki client show alice@', ['@localhost']],
    ['behind a value in quotes', 'xmppki client revoke --file "two words" --rea', ['--reason']],
  ])('gives bash what it replaces: %s', (_case, line, offered) => {
    expect(bash.complete([line], { COMP_WORDBREAKS: ' \t\n"\'@><=;|&(:' })).toEqual([offered])
  })

  it('completes what is typed into bash', () => {
    const lines = {
      'xmppki client is': 'xmppki client issue ',
      'true && XMPPKI_JSON=1 xmppki ca cr': 'true && XMPPKI_JSON=1 xmppki ca crl ',
      'xmppki ca init --key-type rsa:2': 'xmppki ca init --key-type rsa:2048 ',
      'xmppki client revoke --reason=supers': 'xmppki client revoke --reason=superseded ',
      'xmppki client show alice@lo': 'xmppki client show alice@localhost ',
      'xmppki ca crl --out=tw': 'xmppki ca crl --out=two\\ words.crt ',
      'xmppki cert inspect "tw': 'xmppki cert inspect "two words.crt" ',
    }
    const trimmed = (line: string) => line.trimEnd()
    expect(bash.pressTab(Object.keys(lines)).map(trimmed)).toEqual(Object.values(lines).map(trimmed))
  })
})
