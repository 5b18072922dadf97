package report

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// MaxEncoded is the most bytes that an encoded report may have, so that it fits
// into its inquiry's item in the table.
const MaxEncoded = 300_000

// maxDecoded is the most bytes that a stored report may decompress to.
const maxDecoded = 8 << 20

// dictionary contains the text that reports have in common: a few reports with
// their values removed. With it, a compressed report needs a third of the bytes
// and, together with its inquiry's item, one write unit instead of two.
//
// A stored report names its dictionary and cannot be read without it, so this file
// must never change. A better dictionary is added as a new file with the next
// number, and the decompressor keeps both.
//
//go:embed dictionary1.txt
var dictionary []byte

const dictionaryNumber = 1

// Both are safe for concurrent use. They are created on first use, because
// creating them would slow down every start.
var (
	compressor = sync.OnceValues(func() (*zstd.Encoder, error) {
		return zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderDictRaw(dictionaryNumber, dictionary))
	})
	decompressor = sync.OnceValues(func() (*zstd.Decoder, error) {
		return zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxDecoded),
			zstd.WithDecoderDictRaw(dictionaryNumber, dictionary))
	})
)

// Encode returns the report as compressed JSON.
func Encode(r Report) ([]byte, error) {
	plain, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encoding report %s: %w", r.InquiryID, err)
	}
	z, err := compressor()
	if err != nil {
		return nil, fmt.Errorf("encoding report %s: %w", r.InquiryID, err)
	}
	blob := z.EncodeAll(plain, nil)
	if len(blob) > MaxEncoded {
		return nil, fmt.Errorf("encoding report %s: %d bytes, want at most %d", r.InquiryID, len(blob), MaxEncoded)
	}
	return blob, nil
}

// Decode returns the report that Encode compressed.
func Decode(blob []byte) (Report, error) {
	z, err := decompressor()
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
