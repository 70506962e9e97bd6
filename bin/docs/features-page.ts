import { MECHANISMS } from '../../src/config/login-methods.ts'
import { allFeatures, type FeatureDependencies } from '../../src/server/features/all.ts'
import type { Discovery, SpecClaim } from '../../src/server/features/feature.ts'
import { code, page, plain, table } from './markdown.ts'

/** Asked for nothing but what they would say if they were switched on. */
const SWITCHED_ON = { accounts: { isOpen: true }, enrolments: { isOpen: true } } as unknown as FeatureDependencies

/** What the core of the server claims, which is not a feature among others. */
const CORE: readonly (SpecClaim & { readonly of: string })[] = [
  { of: 'streams, STARTTLS, SASL, resource binding', spec: 'RFC 6120', scope: '' },
  { of: 'delivery of messages, presence and IQs', spec: 'RFC 6121', scope: '§8' },
  { of: 'addresses', spec: 'RFC 7622', scope: '' },
  { of: 'direct TLS', spec: 'XEP-0368', scope: '' },
  { of: 'SASL EXTERNAL', spec: 'XEP-0178', scope: '' },
  { of: 'SCRAM-SHA-1', spec: 'RFC 5802', scope: '' },
  { of: 'SCRAM-SHA-256', spec: 'RFC 7677', scope: '' },
  { of: 'SCRAM-SHA-512', spec: 'XEP-0438', scope: '' },
  { of: 'channel binding tls-server-end-point', spec: 'RFC 5929', scope: '' },
  { of: 'channel binding tls-exporter', spec: 'RFC 9266', scope: '' },
  { of: 'announcement of channel bindings', spec: 'XEP-0440', scope: '' },
  { of: 'SASL2, beside the SASL of RFC 6120, after TLS only', spec: 'XEP-0388', scope: '1.0.4, without tasks' },
  { of: 'Bind 2', spec: 'XEP-0386', scope: '1.1.0, without inline features' },
]

const namespaces = (of: Discovery[keyof Discovery]) => (of ?? []).map(code).join(', ')

/** What the server speaks: each feature with its specifications, and what stands below them. */
export function featuresPage(): string {
  const features = allFeatures(SWITCHED_ON)
  return page('What the server speaks', [
    'The features of `xmppki serve`, each with the part or the version of the specification that it implements.',
    table(
      ['feature', 'specification', 'part or version'],
      features.flatMap(({ name, claims }) => claims.map(({ spec, scope }) => [name, spec, plain(scope)])),
    ),
    '## Service discovery',
    'What XEP-0030 answers, with everything switched on: `registration` and `certificate-management` say nothing unless the [configuration](configuration.md) has them.',
    table(
      ['feature', 'of the server', 'of an account'],
      features.flatMap(({ name, disco }) =>
        disco === undefined ? [] : [[name, namespaces(disco.server), namespaces(disco.account)]],
      ),
    ),
    '## Streams and logins',
    table(
      ['what', 'specification', 'part or version'],
      CORE.map(({ of, spec, scope }) => [of, spec, plain(scope)]),
    ),
    `SASL mechanisms, as \`auth.sasl_mechanisms\` names them: ${MECHANISMS.map(code).join(', ')}. \`scram\` is every kind of SCRAM.`,
  ])
}
