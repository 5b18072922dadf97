// Command pagegen writes the API's document and the reference page:
// docs/openapi.json and page.html. Run it with go generate in shared/httpapi.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/batch-inquiries/batch-inquiries/shared/httpapi"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("pagegen: ")
	files, err := generate()
	if err != nil {
		log.Fatal(err)
	}
	for path, content := range files {
		if err := os.WriteFile(filepath.FromSlash(path), content, 0o644); err != nil {
			log.Fatal(err)
		}
	}
}

// generate returns the generated files by their paths relative to shared/httpapi.
func generate() (map[string][]byte, error) {
	doc, err := httpapi.Document()
	if err != nil {
		return nil, fmt.Errorf("building the document: %w", err)
	}
	document, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encoding the document: %w", err)
	}
	page, err := renderPage(doc)
	if err != nil {
		return nil, fmt.Errorf("rendering the page: %w", err)
	}
	return map[string][]byte{
		"../../docs/openapi.json": append(document, '\n'),
		"page.html":               page,
	}, nil
}
