import { once } from 'node:events'
import { connect } from 'node:net'
import { expect } from 'chai'
import { type HttpServer, serveHttp } from '../../../node/platform/http-server.ts'
import { NetworkError } from '../../../protocols/errors.ts'

describe('the HTTP server for monitors', () => {
  let server: HttpServer
  let made = 0
  beforeEach(async () => {
    made = 0
    server = await serveHttp('127.0.0.1', 0, {
      '/healthz': () => ({ status: 503, contentType: 'application/json', body: `{"asked":${++made}}` }),
      '/breaks': () => Promise.reject(new Error('no report'))
    })
  })
  afterEach(() => server.close())

  it('answers GET and HEAD at its paths, whatever the query', async () => {
    const answer = await fetch(`${server.url}/healthz?verbose=1`)
    expect([answer.status, await answer.text()]).to.deep.equal([503, '{"asked":1}'])
    expect(answer.headers.get('content-security-policy')).to.contain("default-src 'none'")
    const head = await fetch(`${server.url}/healthz`, { method: 'HEAD' })
    expect([head.status, await head.text()]).to.deep.equal([503, ''])
  })

  it('refuses every other method and path, and says what went wrong behind one', async () => {
    for (const path of ['/', '/metrics', '/__proto__', '/toString', '/healthz/']) {
      expect((await fetch(`${server.url}${path}`)).status, path).to.equal(404)
    }
    const posted = await fetch(`${server.url}/healthz`, { method: 'POST', body: 'x'.repeat(100_000) }).catch(
      () => null
    )
    if (posted !== null) expect(posted.status).to.equal(405)
    const broken = await fetch(`${server.url}/breaks`)
    expect([broken.status, await broken.text()]).to.deep.equal([500, 'no report\n'])
    expect(made).to.equal(0)
  })

  it('does not read headers without end', async () => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    socket.on('error', () => {})
    socket.write(`GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(64 * 1024)}\r\n\r\n`)
    const [first] = (await once(socket, 'data')) as [Buffer]
    expect(first.toString()).to.match(/^HTTP\/1\.1 431 /)
    socket.destroy()
    expect(made).to.equal(0)
  })

  it('is closed at once, although a client keeps its connection open', async () => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    socket.on('error', () => {})
    await once(socket, 'connect')
    const gone = once(socket, 'close')
    await server.close()
    await gone
    await fetch(`${server.url}/healthz`).then(
      () => expect.fail('it answers still'),
      () => {}
    )
  })

  it('says that its port is taken', async () => {
    const error = await serveHttp('127.0.0.1', Number(new URL(server.url).port), {}).catch(cause => cause)
    expect(error).to.be.instanceOf(NetworkError)
    expect(error.code).to.equal('PORT_TAKEN')
    expect(error.message).to.contain('--http 127.0.0.1:')
  })
})
