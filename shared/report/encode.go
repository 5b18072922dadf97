package report

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// MaxEncoded is the most bytes an encoded report may have, so that it fits its
// inquiry's item in the table.
const MaxEncoded = 300_000

// maxDecoded bounds what a stored report may unpack to.
const maxDecoded = 8 << 20

// dictionary is what reports have in common, so that a report holds only what is
// its own: packed, it takes a third of the bytes and, with its inquiry's item, one
// write unit instead of two. It is a few reports with their values left out.
//
// A stored report names its dictionary and cannot be read without it. So this one
// never changes; a better one is added beside it, under the next number, and the
// unpacker keeps both.
//
//go:embed dictionary1.txt
var dictionary []byte

const dictionaryNumber = 1

// Both are safe for concurrent use, and made when first needed, for they cost a
// start more than they cost a report.
var (
	packer = sync.OnceValues(func() (*zstd.Encoder, error) {
		return zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderDictRaw(dictionaryNumber, dictionary))
	})
	unpacker = sync.OnceValues(func() (*zstd.Decoder, error) {
		return zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxDecoded),
			zstd.WithDecoderDictRaw(dictionaryNumber, dictionary))
	})
)

// Encode packs the report as compressed JSON.
func Encode(r Report) ([]byte, error) {
	plain, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encoding report %s: %w", r.InquiryID, err)
	}
	z, err := packer()
	if err != nil {
		return nil, fmt.Errorf("encoding report %s: %w", r.InquiryID, err)
	}
	blob := z.EncodeAll(plain, nil)
	if len(blob) > MaxEncoded {
		return nil, fmt.Errorf("encoding report %s: %d bytes, at most %d", r.InquiryID, len(blob), MaxEncoded)
	}
	return blob, nil
}

// Decode unpacks what Encode packed.
func Decode(blob []byte) (Report, error) {
	z, err := unpacker()
	if err != nil {
		return Report{}, fmt.Errorf("decoding report: %w", err)
	}
	plain, err := z.DecodeAll(blob, nil)
	if err != nil {
		return Report{}, fmt.Errorf("decoding report: %w", err)
	}
	var r Report
	if err := json.Unmarshal(plain, &r); err != nil {
		return Report{}, fmt.Errorf("decoding report: %w", err)
	}
	return r, nil
}
