package ofac

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/source"
)

// The files of an edition, by lower-case name.
const (
	sdnFile      = "sdn.csv"          // the entities
	altFile      = "alt.csv"          // their aliases
	addFile      = "add.csv"          // their addresses
	commentsFile = "sdn_comments.csv" // the rest of long remarks
	manifestFile = "manifest.json"    // the edition's date and origin; not one of the official files
)

// files are the texts of an edition, by lower-case name.
type files struct {
	text    map[string]string
	edition Edition
}

func (f files) table(name string) table { return table{file: name, text: f.text[name]} }

func readFiles(dir fs.FS) (files, error) {
	f := files{text: map[string]string{}}
	entries, err := fs.ReadDir(dir, ".")
	if err != nil {
		return files{}, err
	}
	byName := map[string]fs.DirEntry{}
	for _, e := range entries {
		byName[strings.ToLower(e.Name())] = e
	}
	for _, name := range []string{sdnFile, altFile, addFile, commentsFile} {
		entry, ok := byName[name]
		if !ok {
			return files{}, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
		}
		info, err := entry.Info()
		if err != nil {
			return files{}, err
		}
		modified := info.ModTime().UTC()
		if name == sdnFile {
			f.edition.Date = modified.Truncate(24 * time.Hour)
		}
		text, sum, err := readText(dir, entry.Name(), int(info.Size()))
		if err != nil {
			return files{}, err
		}
		f.text[name] = text
		f.edition.Evidence = append(f.edition.Evidence, source.Evidence{
			Name: name, SHA256: sum, Bytes: len(text), RetrievedAt: modified,
		})
	}

	entry, ok := byName[manifestFile]
	if !ok {
		f.edition.DateIs, f.edition.Origin = "modification date of sdn.csv", "not stated"
		return f, nil
	}
	f.edition.Date, f.edition.Origin, err = readManifest(dir, entry.Name())
	if err != nil {
		return files{}, err
	}
	f.edition.DateIs = "list date in manifest.json"
	return f, nil
}

func readManifest(dir fs.FS, name string) (date time.Time, origin string, err error) {
	data, err := fs.ReadFile(dir, name)
	if err != nil {
		return time.Time{}, "", err
	}
	var m struct {
		ListDate string `json:"listDate"`
		Origin   string `json:"origin"`
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return time.Time{}, "", fmt.Errorf("manifest.json: %w", err)
	}
	date, err = time.Parse(time.DateOnly, m.ListDate)
	if err != nil {
		return time.Time{}, "", errors.New("manifest.json: listDate is not a date of the form YYYY-MM-DD")
	}
	return date, m.Origin, nil
}

// readText returns a file's text and its SHA-256, in one pass.
func readText(dir fs.FS, name string, size int) (text, sum string, err error) {
	file, err := dir.Open(name)
	if err != nil {
		return "", "", err
	}
	defer file.Close() // the file was only read, so an error cannot lose anything
	var b strings.Builder
	b.Grow(size)
	hash := sha256.New()
	if _, err := io.Copy(io.MultiWriter(&b, hash), file); err != nil {
		return "", "", err
	}
	return b.String(), hex.EncodeToString(hash.Sum(nil)), nil
}
