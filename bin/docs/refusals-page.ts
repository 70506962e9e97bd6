import { REFUSALS } from '../../src/trust/refusal.ts'
import { code, page, plain, table } from './markdown.ts'

/** Why a certificate is not accepted. */
export function refusalsPage(): string {
  return page('Refusals', [
    'A certificate that is refused has one of these names in the log (`check`), in `cert verify --json`, `doctor` and `client show`. [Who may log in as whom](../identity.md) says how certificates are judged.',
    table(
      ['`check`', 'the certificate is refused because', 'what to do'],
      Object.entries(REFUSALS).map(([name, { means, remedy }]) => [code(name), plain(means), plain(remedy)]),
    ),
  ])
}
