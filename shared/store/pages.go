package store

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/klauspost/compress/zstd"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

const (
	// pageBytes bounds a page before compression, and therefore after it: an item has at
	// most 400 KB.
	pageBytes = 300_000

	// submissionBytes bounds all pages of a batch after compression: a transaction has at
	// most 4 MB, including keys and the other items.
	submissionBytes = 3_900_000
)

// page is a range of a batch's inquiries, packed for one item.
type page struct {
	first int    // index of its first inquiry
	data  []byte // zstd of a JSON array
}

var (
	encoder = sync.OnceValue(func() *zstd.Encoder {
		w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
		if err != nil {
			panic(err) // only an option out of range could cause it
		}
		return w
	})
	decoder = sync.OnceValue(func() *zstd.Decoder {
		r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(16<<20))
		if err != nil {
			panic(err) // only an option out of range could cause it
		}
		return r
	})
)

// paginate packs a batch's inquiries into as few pages as possible. It returns
// inquiry.ErrTooLarge when the pages do not fit into one transaction.
func paginate(inquiries []inquiry.Inquiry) ([]page, error) {
	var (
		pages []page
		raw   []byte
		first int
		size  int
	)
	flush := func(next int) {
		data := encoder().EncodeAll(append(raw, ']'), nil)
		pages = append(pages, page{first: first, data: data})
		size += len(data)
		raw, first = nil, next
	}
	for i, in := range inquiries {
		one, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("encoding the inquiry at index %d: %w", i, err)
		}
		if len(one) > pageBytes {
			return nil, fmt.Errorf("the inquiry at index %d: %w", i, inquiry.ErrTooLarge)
		}
		if len(raw)+len(one)+2 > pageBytes {
			flush(i)
		}
		separator := byte(',')
		if len(raw) == 0 {
			separator = '['
		}
		raw = append(append(raw, separator), one...)
	}
	flush(len(inquiries))
	if size > submissionBytes {
		return nil, inquiry.ErrTooLarge
	}
	return pages, nil
}

// parsePage unpacks a page that paginate packed. It returns inquiry.ErrUnreadable for a
// damaged one; zstd's checksum detects damage.
func parsePage(it item) ([]inquiry.Inquiry, error) {
	data, ok := it["data"].(*types.AttributeValueMemberB)
	if !ok {
		return nil, fmt.Errorf("page %s: %w: it has no data", textOf(it, SKAttribute), inquiry.ErrUnreadable)
	}
	raw, err := decoder().DecodeAll(data.Value, nil)
	if err != nil {
		return nil, fmt.Errorf("unpacking page %s: %w: %v", textOf(it, SKAttribute), inquiry.ErrUnreadable, err)
	}
	var inquiries []inquiry.Inquiry
	if err := json.Unmarshal(raw, &inquiries); err != nil {
		return nil, fmt.Errorf("reading page %s: %w: %v", textOf(it, SKAttribute), inquiry.ErrUnreadable, err)
	}
	return inquiries, nil
}
