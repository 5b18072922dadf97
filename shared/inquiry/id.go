package inquiry

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"
)

// MaxInquiries is the maximum number of inquiries in a batch: an inquiry's position
// plus one has to fit into the last 16 bits of its id.
const MaxInquiries = 1<<16 - 1

// LenderID identifies the organization that owns a batch. It comes only from the
// verified caller, never from a request's path, query or body.
type LenderID string

// BatchID is a UUIDv7 (RFC 9562) whose last 16 bits are zero. Those bits number the
// batch's inquiries, so an inquiry's id says where the inquiry is stored.
type BatchID [16]byte

// ID identifies one inquiry: its batch's id with the inquiry's position plus
// one in the last 16 bits.
type ID [16]byte

// NewBatchID returns a new id that contains now, to the millisecond, and 58 random
// bits.
func NewBatchID(now time.Time) BatchID {
	var b BatchID
	_, _ = rand.Read(b[6:14]) // never fails: crypto/rand would end the process
	ms := uint64(now.UnixMilli())
	binary.BigEndian.PutUint32(b[0:4], uint32(ms>>16))
	binary.BigEndian.PutUint16(b[4:6], uint16(ms))
	b[6] = b[6]&0x0f | 0x70
	b[8] = b[8]&0x3f | 0x80
	return b
}

// CreatedAt returns when the batch was submitted, to the millisecond, in UTC.
func (b BatchID) CreatedAt() time.Time {
	ms := int64(binary.BigEndian.Uint32(b[0:4]))<<16 | int64(binary.BigEndian.Uint16(b[4:6]))
	return time.UnixMilli(ms).UTC()
}

// Inquiry returns the id of the inquiry at index, from 0. It panics for an index
// that no batch can have.
func (b BatchID) Inquiry(index int) ID {
	if index < 0 || index >= MaxInquiries {
		panic(fmt.Sprintf("inquiry: index %d is outside a batch", index))
	}
	id := ID(b)
	binary.BigEndian.PutUint16(id[14:], uint16(index+1))
	return id
}

// Batch returns the id of the batch that the inquiry belongs to.
func (id ID) Batch() BatchID {
	b := BatchID(id)
	b[14], b[15] = 0, 0
	return b
}

// Index returns the inquiry's position in its batch, from 0.
func (id ID) Index() int { return int(binary.BigEndian.Uint16(id[14:])) - 1 }

// ParseBatchID parses the 36-character form. It returns ErrNotFound for anything that
// NewBatchID could not have made, because no such batch exists.
func ParseBatchID(s string) (BatchID, error) {
	u, ok := parseUUID(s)
	if !ok || u[14] != 0 || u[15] != 0 {
		return BatchID{}, fmt.Errorf("batch id: %w", ErrNotFound)
	}
	return BatchID(u), nil
}

// ParseID parses the 36-character form of an inquiry's id. It returns ErrNotFound for
// anything that [BatchID.Inquiry] could not have made.
func ParseID(s string) (ID, error) {
	u, ok := parseUUID(s)
	if !ok || u[14] == 0 && u[15] == 0 {
		return ID{}, fmt.Errorf("inquiry id: %w", ErrNotFound)
	}
	return ID(u), nil
}

func (b BatchID) String() string { return formatUUID(b) }
func (id ID) String() string     { return formatUUID(id) }

// MarshalText makes the id a string in JSON and in logs.
func (b BatchID) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// UnmarshalText is ParseBatchID.
func (b *BatchID) UnmarshalText(text []byte) (err error) {
	*b, err = ParseBatchID(string(text))
	return err
}

// MarshalText makes the id a string in JSON and in logs.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText is ParseID.
func (id *ID) UnmarshalText(text []byte) (err error) {
	*id, err = ParseID(string(text))
	return err
}

// formatUUID returns the lower-case 8-4-4-4-12 form.
func formatUUID(u [16]byte) string {
	out := make([]byte, 36)
	hex.Encode(out[0:8], u[0:4])
	hex.Encode(out[9:13], u[4:6])
	hex.Encode(out[14:18], u[6:8])
	hex.Encode(out[19:23], u[8:10])
	hex.Encode(out[24:36], u[10:16])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return string(out)
}

// parseUUID parses the form that formatUUID returns, upper case allowed, and rejects
// any other UUID version or variant.
func parseUUID(s string) (u [16]byte, ok bool) {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return u, false
	}
	digits := s[0:8] + s[9:13] + s[14:18] + s[19:23] + s[24:36]
	if _, err := hex.Decode(u[:], []byte(digits)); err != nil {
		return u, false
	}
	return u, u[6]>>4 == 7 && u[8]>>6 == 2
}
