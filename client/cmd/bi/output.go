package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// output is a file that appears only when it is complete, or a pipe or device that
// gets the bytes as they arrive.
type output struct {
	*os.File
	path string // of the file that will appear; empty for a pipe or device
}

// openOutput opens path for writing. If that is impossible, it returns an error
// before any request is sent.
func openOutput(ctx context.Context, path string) (*output, error) {
	info, err := os.Stat(path)
	switch {
	case os.IsPathSeparator(path[len(path)-1]), err == nil && info.IsDir():
		return nil, fmt.Errorf("%s is a folder: please name a file in it", path)
	case err == nil && !info.Mode().IsRegular():
		// Opening a pipe blocks until somebody reads from it.
		file, err := interruptible(ctx, func() (*os.File, error) { return os.OpenFile(path, os.O_WRONLY, 0) })
		return &output{File: file}, err
	}
	final, err := resolve(path)
	if err != nil {
		return nil, err
	}
	// CreateTemp makes the file readable by its owner only, as personal data should be.
	part, err := os.CreateTemp(filepath.Dir(final), "."+filepath.Base(final)+".*")
	if err != nil {
		return nil, fmt.Errorf("%s cannot be written: %w", path, errors.Unwrap(err))
	}
	return &output{part, final}, nil
}

// resolve follows path's symbolic links to a file, which need not exist yet.
func resolve(path string) (string, error) {
	final, err := filepath.EvalSymlinks(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return final, err
	}
	if to, err := os.Readlink(path); err == nil {
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		return resolve(to)
	}
	folder, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return "", fmt.Errorf("%s cannot be written: %w", path, err)
	}
	return filepath.Join(folder, filepath.Base(path)), nil
}

// commit closes the file and gives it its final name.
func (o *output) commit() error {
	if err := o.Close(); err != nil || o.path == "" {
		return err
	}
	return os.Rename(o.Name(), o.path)
}

// discard deletes an unfinished file. After commit it does nothing.
func (o *output) discard() {
	o.Close()
	if o.path != "" {
		os.Remove(o.Name())
	}
}
