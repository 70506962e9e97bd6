import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { XmppkiError } from '../../errors.ts'
import type { Log } from '../../server/log.ts'
import { OCSP_PATH } from '../../workspace/base/pki-url.ts'

/** What can be had with GET, looked up anew at every request. */
export type PublishedFile = (path: string) => { readonly type: string; readonly content: Uint8Array } | undefined

export interface PkiHttpOptions {
  readonly host: string
  /** 0 lets the system choose. */
  readonly port: number
  readonly file: PublishedFile
  /** Answers an OCSP request, whatever it is, with an OCSP response, both in DER (RFC 6960 §4). */
  readonly ocsp: (request: Uint8Array) => Promise<Uint8Array>
  readonly log: Log
}

/** Requests about a handful of certificates have some hundred octets. */
const MAX_REQUEST_BYTES = 65_536
const MAX_CONNECTIONS = 1_000
const REQUEST_TIMEOUT_MS = 10_000

/** Caches may keep a CRL or certificate so long, in seconds: a revocation must be seen soon. */
const MAX_AGE = 300

/**
 * CRLs, CA certificates and OCSP over plain HTTP, where relying parties expect them: everything here is public and
 * signed, and a TLS connection would have to be checked with what it fetches (RFC 5280 §8).
 */
export class PkiHttp {
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
  }

  /** @throws {XmppkiError} IO when it cannot listen there */
  static start(options: PkiHttpOptions): Promise<PkiHttp> {
    const { host, port, log } = options
    const server = createServer(
      { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS },
      (req, res) => {
        answer(req, res, options).catch((error: unknown) => {
          log.error({ error: String(error), path: req.url }, 'HTTP request failed')
          if (!res.headersSent) res.writeHead(500)
          res.end()
        })
      },
    )
    server.maxConnections = MAX_CONNECTIONS
    return new Promise((resolve, reject) => {
      server.once('error', (cause: NodeJS.ErrnoException) => {
        reject(
          new XmppkiError('IO', `cannot listen for HTTP on ${host}:${port}: ${cause.code}`, {
            hint: 'choose another port with --http-port; 0 lets the system choose',
            cause,
          }),
        )
      })
      server.listen(port, host, () => resolve(new PkiHttp(server)))
    })
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, options: PkiHttpOptions): Promise<void> {
  const { method = '', url = '' } = request
  const path = url.split('?', 1)[0] ?? ''
  if (path === OCSP_PATH || path.startsWith(`${OCSP_PATH}/`)) return answerOcsp(request, response, path, options)
  if (method !== 'GET' && method !== 'HEAD') return refuse(response, 405, { allow: 'GET, HEAD' })
  const file = options.file(path)
  if (file === undefined) return refuse(response, 404)
  const headers = { 'content-type': file.type, 'cache-control': `max-age=${MAX_AGE}` }
  response.writeHead(200, { ...headers, 'content-length': file.content.length })
  response.end(method === 'HEAD' ? undefined : file.content)
}

async function answerOcsp(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  { ocsp }: PkiHttpOptions,
): Promise<void> {
  const octets = request.method === 'POST' ? await readBody(request) : fromPath(request, path)
  if (octets === 'too large') return refuse(response, 413, { connection: 'close' })
  if (octets === undefined) return refuse(response, 405, { allow: 'GET, POST' })
  const content = await ocsp(octets)
  // The response itself says how long it is good; with a nonce nobody else can use it (RFC 6960 §4.4.1).
  const headers = { 'content-type': 'application/ocsp-response', 'cache-control': 'no-cache' }
  response.writeHead(200, { ...headers, 'content-length': content.length })
  response.end(content)
}

function refuse(response: ServerResponse, status: number, headers: Record<string, string> = {}): void {
  response.writeHead(status, { ...headers, 'content-length': 0 })
  response.end()
}

/** RFC 6960 §A.1: GET {url}/{url-encoding of base-64 encoding of the DER encoding of the OCSPRequest} */
function fromPath({ method }: IncomingMessage, path: string): Uint8Array | undefined {
  if (method !== 'GET' || !path.startsWith(`${OCSP_PATH}/`)) return undefined
  try {
    return Buffer.from(decodeURIComponent(path.slice(OCSP_PATH.length + 1)), 'base64')
  } catch {
    // Not URL-encoded: an empty request is malformed as well, and answered so.
    return new Uint8Array()
  }
}

async function readBody(request: IncomingMessage): Promise<Uint8Array | 'too large'> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Uint8Array>) {
    size += chunk.length
    if (size > MAX_REQUEST_BYTES) return 'too large'
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
