package ofac

import (
	"fmt"
	"strconv"
	"strings"
)

// null is how the files write an absent value, after trimming. The real files
// have "-0- ", with a space at the end.
const null = "-0-"

// eof is the only character in the last row of a real file.
const eof = "\x1a"

// table reads one of the list's files row by row. encoding/csv takes five times
// as long, and this runs while a function starts.
type table struct {
	file   string // for errors
	text   string // what has not been read yet
	row    int    // number of the current row; the first is 1
	fields []string
}

// next reads a row of exactly want fields into t.fields. It returns false after
// the last row. A row that is too short, too long or malformed is an error that
// names the file and the row but quotes nothing from it.
func (t *table) next(want int) (ok bool, err error) {
	if t.text == "" {
		return false, nil
	}
	t.row++
	if rest, last := strings.CutPrefix(t.text, eof); last && strings.Trim(rest, "\r\n") == "" {
		t.text = ""
		return false, nil
	}
	t.fields = t.fields[:0]
	for {
		field, more, err := t.field()
		if err != nil {
			return false, err
		}
		t.fields = append(t.fields, field)
		if !more {
			break
		}
	}
	if len(t.fields) != want {
		return false, t.errorf("%d fields, want %d", len(t.fields), want)
	}
	return true, nil
}

// field reads one field. It reports whether another follows in the same row.
func (t *table) field() (value string, more bool, err error) {
	if strings.HasPrefix(t.text, `"`) {
		if value, err = t.quoted(); err != nil {
			return "", false, err
		}
	} else {
		end := 0
		for end < len(t.text) && t.text[end] != ',' && t.text[end] != '\r' && t.text[end] != '\n' {
			if t.text[end] == '"' || t.text[end] == eof[0] {
				return "", false, t.errorf("a stray quote or end-of-file mark")
			}
			end++
		}
		value, t.text = t.text[:end], t.text[end:]
	}
	if value = strings.TrimSpace(value); value == null {
		value = ""
	}

	switch {
	case t.text == "":
		return value, false, nil
	case t.text[0] == ',':
		t.text = t.text[1:]
		return value, true, nil
	case t.text[0] == '\n':
		t.text = t.text[1:]
		return value, false, nil
	case strings.HasPrefix(t.text, "\r\n"):
		t.text = t.text[2:]
		return value, false, nil
	}
	return "", false, t.errorf("text after a closing quote")
}

// quoted reads up to the closing quote. Two quotes in a row are one quote in the
// value.
func (t *table) quoted() (string, error) {
	text := t.text[1:]
	end := strings.IndexByte(text, '"')
	if end >= 0 && !strings.HasPrefix(text[end+1:], `"`) {
		t.text = text[end+1:]
		return text[:end], nil
	}
	var b strings.Builder
	for end >= 0 {
		b.WriteString(text[:end])
		text = text[end+1:]
		if !strings.HasPrefix(text, `"`) {
			t.text = text
			return b.String(), nil
		}
		b.WriteByte('"')
		text = text[1:]
		end = strings.IndexByte(text, '"')
	}
	return "", t.errorf("a quote is not closed")
}

// number parses field i as an entity's number, which is greater than zero.
func (t *table) number(i int) (int, error) {
	n, err := strconv.Atoi(t.fields[i])
	if err != nil || n <= 0 {
		return 0, t.errorf("field %d is not a number above zero", i+1)
	}
	return n, nil
}

func (t *table) errorf(format string, args ...any) error {
	return fmt.Errorf("%s row %d: %s", t.file, t.row, fmt.Sprintf(format, args...))
}
