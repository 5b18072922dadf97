package client

import "log/slog"

// hidden replaces a value with personal data in printed or logged text.
const hidden = "[personal data]"

func (InquiryInput) String() string         { return hidden }
func (InquiryInput) GoString() string       { return hidden }
func (InquiryInput) LogValue() slog.Value   { return slog.StringValue(hidden) }
func (PrincipalInput) String() string       { return hidden }
func (PrincipalInput) GoString() string     { return hidden }
func (PrincipalInput) LogValue() slog.Value { return slog.StringValue(hidden) }
func (Report) String() string               { return hidden }
func (Report) GoString() string             { return hidden }
func (Report) LogValue() slog.Value         { return slog.StringValue(hidden) }

// Printing or logging an inquiry shows only its id.

func (i InquirySummary) String() string       { return "inquiry " + i.InquiryID }
func (i InquirySummary) GoString() string     { return i.String() }
func (i InquirySummary) LogValue() slog.Value { return slog.StringValue(i.String()) }
func (i Inquiry) String() string              { return i.InquirySummary.String() }
func (i Inquiry) GoString() string            { return i.String() }
func (i Inquiry) LogValue() slog.Value        { return slog.StringValue(i.String()) }
