import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { examplesOf, openBaseModel } from '../../../node/cli/open-trainer.ts'
import { openPrivateData } from '../../../node/cli/private-data.ts'
import { localModel } from '../../../node/cli/resolve-model.ts'
import type { Tokenizer } from '../../../node/model/tokenizer.ts'
import { scratchFolder } from '../../support/cli.ts'
import { writeModelFolder } from '../../support/model-folder.ts'

describe('private data of a peer', () => {
  const scratch = scratchFolder()
  const at = (name: string) => join(scratch.path, name)
  let tokenizer: Tokenizer

  before(async () => {
    writeModelFolder(at('model'))
    tokenizer = (await openBaseModel(localModel(at('model')))).tokenizer
    writeFileSync(at('text.txt'), 'The union is strong, and it grows. '.repeat(300))
    writeFileSync(at('more.jsonl'), `${JSON.stringify({ text: 'Commerce with all nations. '.repeat(50) })}\n`)
  })
  after(() => scratch.remove())

  it('holds out the end of the file', async () => {
    const shard = await openPrivateData(tokenizer, { data: at('text.txt'), windowTokens: 16 })
    const tokens = shard.train.length + shard.heldOut.length
    expect(shard.heldOut.length / tokens).to.be.closeTo(0.1, 0.01)
    expect(shard.description).to.contain(at('text.txt'))
  })

  it('holds out another file, whole, and trains on all of the first', async () => {
    const alone = await openPrivateData(tokenizer, { data: at('text.txt'), windowTokens: 16 })
    const heldOut = at('more.jsonl')
    const shard = await openPrivateData(tokenizer, { data: at('text.txt'), heldOut, windowTokens: 16 })
    expect(shard.train.length).to.equal(alone.train.length + alone.heldOut.length)
    expect(tokenizer.decode(shard.heldOut)).to.contain('Commerce with all nations.').and.not.contain('strong')
  })

  it('measures on no more than is worth the time', async () => {
    writeFileSync(at('long.txt'), 'The union is strong, and it grows. '.repeat(20_000))
    const shard = await openPrivateData(tokenizer, { data: at('long.txt'), windowTokens: 16 })
    expect(shard.heldOut).to.have.length(8_192)
    expect(shard.description).to.contain('the first of')
  })

  it('is a table or conversations, if the model takes those', async () => {
    writeFileSync(at('answers.csv'), `prompt,completion\n${'2 + 2 =, 4\n"Who, then?", Nobody.\n'.repeat(5)}`)
    const table = await openPrivateData(tokenizer, { data: at('answers.csv'), windowTokens: 16 })
    expect([table.trainExamples!.starts.length, table.heldOutExamples!.starts.length]).to.deep.equal([9, 1])
    expect(tokenizer.decode(table.train)).to.contain('Who, then? Nobody.')
    const messages = [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Hello.' }
    ]
    writeFileSync(at('chat.jsonl'), `${JSON.stringify({ messages })}\n`.repeat(10))
    const options = { data: at('chat.jsonl'), heldOut: at('answers.csv'), windowTokens: 16 }
    const refused = await openPrivateData(tokenizer, options).catch((error: unknown) => error)
    expect(refused).to.include({ name: 'UserError', exitCode: 2 })
    expect((refused as Error).message).to.contain(`--data ${at('chat.jsonl')}: chat.jsonl, line 1: `)
    writeFileSync(
      at('model/chat_template.jinja'),
      '{% for m in messages %}{{ m.role }} {{ m.content }} {% endfor %}'
    )
    const chatty = (await openBaseModel(localModel(at('model')))).tokenizer
    const chats = await openPrivateData(chatty, options)
    expect(tokenizer.decode(chats.train).split('<|endoftext|>')[0]).to.equal('user Hi assistant Hello. ')
    expect(chats.heldOutExamples!.starts.length).to.equal(10)
  })

  it('is a president by id or by name', async () => {
    const byId = await openPrivateData(tokenizer, { data: 'sotu:abraham_lincoln', windowTokens: 16 })
    const byName = await openPrivateData(tokenizer, { data: 'sotu:Abraham Lincoln', windowTokens: 16 })
    expect(byName.train).to.deep.equal(byId.train)
    expect(byId.description).to.contain('Abraham Lincoln')
    const error = await openPrivateData(tokenizer, {
      data: 'sotu:abraham_lincoln',
      heldOut: at('more.jsonl'),
      windowTokens: 16
    }).catch((caught: unknown) => caught)
    expect(error).to.include({ name: 'UserError', exitCode: 2 })
  })

  it('counts its windows, at least one', () => {
    expect(
      [17, 33, 34, 49, 50].map(length => examplesOf({ train: new Int32Array(length) }, 16))
    ).to.deep.equal([1, 2, 2, 3, 3])
    expect(examplesOf({ train: new Int32Array(2) }, 16)).to.equal(1)
  })
})
