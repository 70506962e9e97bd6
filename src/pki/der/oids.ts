/** Object identifiers, each named as its specification names it. */
export const OID = {
  // X.520 and RFC 4519 attribute types
  commonName: '2.5.4.3',
  organizationName: '2.5.4.10',
  /** RFC 4519 §2.39 */
  userId: '0.9.2342.19200300.100.1.1',
  /** RFC 2985 §5.2.1 */
  emailAddress: '1.2.840.113549.1.9.1',

  // RFC 5280 §4.2 extensions
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  issuerAltName: '2.5.29.18',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  cRLDistributionPoints: '2.5.29.31',
  certificatePolicies: '2.5.29.32',
  policyMappings: '2.5.29.33',
  authorityKeyIdentifier: '2.5.29.35',
  policyConstraints: '2.5.29.36',
  extKeyUsage: '2.5.29.37',
  inhibitAnyPolicy: '2.5.29.54',

  // RFC 5280 §5.2 and §5.3: CRLs and their entries
  cRLNumber: '2.5.29.20',
  cRLReasons: '2.5.29.21',
  holdInstructionCode: '2.5.29.23',
  invalidityDate: '2.5.29.24',
  deltaCRLIndicator: '2.5.29.27',
  issuingDistributionPoint: '2.5.29.28',
  certificateIssuer: '2.5.29.29',
  freshestCRL: '2.5.29.46',

  // Signature algorithms: RFC 5758 §3.2, RFC 4055 §5, RFC 8410 §3
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  ecdsaWithSha384: '1.2.840.10045.4.3.3',
  ecdsaWithSha512: '1.2.840.10045.4.3.4',
  sha256WithRsaEncryption: '1.2.840.113549.1.1.11',
  sha384WithRsaEncryption: '1.2.840.113549.1.1.12',
  sha512WithRsaEncryption: '1.2.840.113549.1.1.13',
  ed25519: '1.3.101.112',
  ed448: '1.3.101.113',
  /** RFC 4055 §3.1: signatures, and keys for nothing else. */
  rsassaPss: '1.2.840.113549.1.1.10',

  // Keys: RFC 8017 appendix A.1, RFC 5480 §2.1.1, RFC 3279 §2.3.2
  rsaEncryption: '1.2.840.113549.1.1.1',
  ecPublicKey: '1.2.840.10045.2.1',
  dsa: '1.2.840.10040.4.1',
  /** RFC 8410 §3 */
  x25519: '1.3.101.110',

  // RFC 5280 §4.2.1.12 key purposes
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  anyExtendedKeyUsage: '2.5.29.37.0',
  ocspSigning: '1.3.6.1.5.5.7.3.9',

  // RFC 5280 §4.2.2.1: authority information access and its methods
  authorityInfoAccess: '1.3.6.1.5.5.7.1.1',
  ocsp: '1.3.6.1.5.5.7.48.1',
  caIssuers: '1.3.6.1.5.5.7.48.2',

  // RFC 6960 §4.2.1, §4.4.1 and §4.2.2.2.1
  ocspBasic: '1.3.6.1.5.5.7.48.1.1',
  ocspNonce: '1.3.6.1.5.5.7.48.1.2',
  ocspNoCheck: '1.3.6.1.5.5.7.48.1.5',

  /** RFC 6120 §13.7.1.4 */
  xmppAddr: '1.3.6.1.5.5.7.8.5',
  /** RFC 9598 §3 */
  smtpUtf8Mailbox: '1.3.6.1.5.5.7.8.9',
  /** RFC 4985 §2 */
  dnsSrv: '1.3.6.1.5.5.7.8.7',

  // RFC 8018 password-based encryption
  pbes2: '1.2.840.113549.1.5.13',
  pbkdf2: '1.2.840.113549.1.5.12',
  hmacWithSha256: '1.2.840.113549.2.9',
  aes256Cbc: '2.16.840.1.101.3.4.1.42',

  sha1: '1.3.14.3.2.26',
  sha224: '2.16.840.1.101.3.4.2.4',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',

  // RFC 5652 content types
  data: '1.2.840.113549.1.7.1',
  encryptedData: '1.2.840.113549.1.7.6',

  /** RFC 2985 §5.4.2 */
  extensionRequest: '1.2.840.113549.1.9.14',

  // RFC 2985 and RFC 7292
  friendlyName: '1.2.840.113549.1.9.20',
  localKeyId: '1.2.840.113549.1.9.21',
  x509Certificate: '1.2.840.113549.1.9.22.1',
  keyBag: '1.2.840.113549.1.12.10.1.1',
  pkcs8ShroudedKeyBag: '1.2.840.113549.1.12.10.1.2',
  certBag: '1.2.840.113549.1.12.10.1.3',
  safeContentsBag: '1.2.840.113549.1.12.10.1.6',
  pbeWithSha1And3KeyTripleDesCbc: '1.2.840.113549.1.12.1.3',
} as const
