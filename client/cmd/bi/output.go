package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// output is where something is saved: a file that appears once it is whole, or
// what takes bytes as they come, such as a pipe.
type output struct {
	*os.File
	path string // of the file to appear; empty when there is none
}

// openOutput opens what path names. What could not be saved is an error here,
// before anything is asked for.
func openOutput(ctx context.Context, path string) (*output, error) {
	info, err := os.Stat(path)
	switch {
	case os.IsPathSeparator(path[len(path)-1]), err == nil && info.IsDir():
		return nil, fmt.Errorf("%s is a folder: name a file in it", path)
	case err == nil && !info.Mode().IsRegular():
		// A pipe is open once somebody reads from it.
		file, err := until(ctx, func() (*os.File, error) { return os.OpenFile(path, os.O_WRONLY, 0) })
		return &output{File: file}, err
	}
	whole, err := target(path)
	if err != nil {
		return nil, err
	}
	// What is known of businesses and people is for its owner's eyes, which is how
	// CreateTemp makes it.
	part, err := os.CreateTemp(filepath.Dir(whole), "."+filepath.Base(whole)+".*")
	if err != nil {
		return nil, fmt.Errorf("%s cannot be written: %w", path, errors.Unwrap(err))
	}
	return &output{part, whole}, nil
}

// target is the file that path means: at the end of its symbolic links, whether
// it is there or not.
func target(path string) (string, error) {
	whole, err := filepath.EvalSymlinks(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return whole, err
	}
	if to, err := os.Readlink(path); err == nil {
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		return target(to)
	}
	folder, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return "", fmt.Errorf("%s cannot be written: %w", path, err)
	}
	return filepath.Join(folder, filepath.Base(path)), nil
}

// keep ends the writing and makes the file appear.
func (o *output) keep() error {
	if err := o.Close(); err != nil || o.path == "" {
		return err
	}
	return os.Rename(o.Name(), o.path)
}

// drop forgets what was written to a file; after keep it does nothing.
func (o *output) drop() {
	o.Close()
	if o.path != "" {
		os.Remove(o.Name())
	}
}
