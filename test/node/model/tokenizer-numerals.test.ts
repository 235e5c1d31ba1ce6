import { expect } from 'chai'
import { parseTokenizer } from '../../../node/model/tokenizer.ts'

/** The characters of byte-level vocabularies, by byte (Radford et al. 2019, `bytes_to_unicode`). */
function byteCharacters(): string[] {
  let moved = 256
  const isPrintable = (byte: number) => (byte > 32 && byte < 127) || (byte > 160 && byte !== 173)
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isPrintable(byte) ? byte : moved++))
}

/** A tokenizer that splits at digits as SmolLM2's does, with merges that show where. */
function digitTokenizer(isIndividual: boolean) {
  const merges = ['\u0120 \u00c2', '\u0120\u00c2 \u00b2', '1 2', '\u0120 1', '\u00d9 \u00a3']
  const tokens = [...byteCharacters(), ...merges.map(merge => merge.replace(' ', ''))]
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true }
  const digits = { type: 'Digits', individual_digits: isIndividual }
  const definition = {
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: { type: 'Sequence', pretokenizers: [digits, byteLevel] },
    post_processor: null,
    decoder: byteLevel,
    model: { type: 'BPE', vocab: Object.fromEntries(tokens.map((token, id) => [token, id])), merges }
  }
  const { encode } = parseTokenizer(new TextEncoder().encode(JSON.stringify(definition)), null)
  return (text: string) => [...encode(text)].map(id => tokens[id]!).join(' ')
}

describe('a tokenizer that splits at digits', () => {
  // As the Rust library has them, `tokenizers` 0.23.3.
  const cases: Array<[text: string, individually: string, together: string]> = [
    [' 12', 'Ġ 1 2', 'Ġ 12'],
    [' ²', 'Ġ Â ²', 'Ġ Â ²'],
    ['x² 12', 'x Â ² Ġ 1 2', 'x Â ² Ġ 12'],
    ['٣٣', 'Ù£ Ù£', 'Ù£ Ù£'],
    [' ½12 a1', 'Ġ Â ½ 1 2 Ġ a 1', 'Ġ Â ½ 12 Ġ a 1']
  ]
  for (const [text, individually, together] of cases) {
    it(`splits ${JSON.stringify(text)} at every numeral, also at those that are not 0 to 9`, () => {
      expect(digitTokenizer(true)(text)).to.equal(individually)
      expect(digitTokenizer(false)(text)).to.equal(together)
    })
  }
})
