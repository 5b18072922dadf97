package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/spf13/cobra"

	"github.com/batch-inquiries/batch-inquiries/shared/auth"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
)

func userCommand(run runner) *cobra.Command {
	var lender, email, role string
	var passwordStdin bool
	user := group("user", "Users: the people who act for a lender")

	var invite *cobra.Command
	invite = command("invite", "Give a person access to a lender's data", run(func(ctx context.Context, a *admin) (result, error) {
		in := invitation{lender: inquiry.LenderID(lender), email: email, role: role}
		if passwordStdin {
			password, err := readPassword(invite.InOrStdin())
			if err != nil {
				return result{}, err
			}
			in.password = password
		}
		return a.invite(ctx, in)
	}), map[string]*string{"lender": &lender, "email": &email, "role": &role})
	invite.Flags().BoolVar(&passwordStdin, "password-stdin", false,
		"read a password and set it for good, instead of letting Cognito send an invitation (for demos and tests)")

	user.AddCommand(invite,
		command("suspend", "Deny the service to a user and their key, within five minutes", run(func(ctx context.Context, a *admin) (result, error) {
			return a.suspend(ctx, email)
		}), map[string]*string{"email": &email}),
		command("resume", "End a user's suspension", run(func(ctx context.Context, a *admin) (result, error) {
			return a.resume(ctx, email)
		}), map[string]*string{"email": &email}),
		command("set-role", "Give a user another role", run(func(ctx context.Context, a *admin) (result, error) {
			return a.setRole(ctx, email, role)
		}), map[string]*string{"email": &email, "role": &role}),
		command("rotate-key", "End a user's API key and begin another, which they can then read", run(func(ctx context.Context, a *admin) (result, error) {
			return a.rotateKey(ctx, email)
		}), map[string]*string{"email": &email}),
		command("revoke-key", "End a user's API key", run(func(ctx context.Context, a *admin) (result, error) {
			return a.revokeKey(ctx, email)
		}), map[string]*string{"email": &email}),
	)
	return user
}

// userData is a user as a program reads it.
type userData struct {
	UserID   string           `json:"userId"`
	LenderID inquiry.LenderID `json:"lenderId"`
	Email    string           `json:"email"`
	Role     string           `json:"role"`
}

// tell returns a result about a user. The text leaves the address out, since
// terminals are logged.
func tell(words string, u store.User, email string) result {
	return result{
		text: fmt.Sprintf("%s: user %s of lender %s, %s, %s", words, u.ID, u.LenderID, u.Role, u.Status),
		data: userData{u.ID, u.LenderID, email, u.Role},
	}
}

// invitation is what "user invite" asks for.
type invitation struct {
	lender   inquiry.LenderID
	email    string
	role     string
	password string // empty: Cognito invites the person to choose one
}

// invite makes the account in Cognito, then the item in the table, then sets
// the password: not before it is certain that the account is of this lender.
func (a *admin) invite(ctx context.Context, in invitation) (result, error) {
	email, err := a.address(in.email)
	if err != nil {
		return result{}, err
	}
	role, err := auth.ParseRole(in.role)
	if err != nil {
		return result{}, err
	}
	if _, err := a.access.Lender(ctx, in.lender); err != nil {
		return result{}, explainLender(in.lender, err)
	}
	sub, err := a.account(ctx, email, in.password == "")
	if err != nil {
		return result{}, err
	}
	user, added, err := a.access.AddUser(ctx, store.User{ID: sub, LenderID: in.lender, Role: string(role)})
	if err != nil {
		return result{}, fmt.Errorf("%w; run the same command again to finish", err)
	}
	if user.LenderID != in.lender {
		return result{}, fmt.Errorf("user %s belongs to lender %s already; a person needs one e-mail address for each lender", sub, user.LenderID)
	}
	if user.Role != string(role) {
		return result{}, fmt.Errorf("user %s has the role %s already; change it with: admin user set-role --role %s --email …", sub, user.Role, role)
	}
	if in.password != "" {
		if err := a.setPassword(ctx, email, in.password); err != nil {
			return result{}, err
		}
	}
	if added {
		return tell("invited", user, email), nil
	}
	return tell("exists already", user, email), nil
}

// account returns the sub of the Cognito account of this address, which it
// creates unless there is one.
func (a *admin) account(ctx context.Context, email string, sendInvitation bool) (sub string, err error) {
	in := &cognito.AdminCreateUserInput{
		UserPoolId: &a.pool,
		Username:   &email,
		UserAttributes: []types.AttributeType{
			{Name: aws.String("email"), Value: &email},
			{Name: aws.String("email_verified"), Value: aws.String("true")},
		},
		DesiredDeliveryMediums: []types.DeliveryMediumType{types.DeliveryMediumTypeEmail},
	}
	if !sendInvitation {
		in.MessageAction = types.MessageActionTypeSuppress
	}
	out, err := a.people.AdminCreateUser(ctx, in)
	if _, exists := errors.AsType[*types.UsernameExistsException](err); exists {
		return a.subOf(ctx, email)
	}
	if err != nil {
		return "", fmt.Errorf("creating the account in Cognito: %w; run the same command again to finish", err)
	}
	return subIn(out.User.Attributes)
}

// subOf returns the sub of an account that exists.
func (a *admin) subOf(ctx context.Context, email string) (string, error) {
	out, err := a.people.AdminGetUser(ctx, &cognito.AdminGetUserInput{UserPoolId: &a.pool, Username: &email})
	if _, absent := errors.AsType[*types.UserNotFoundException](err); absent {
		return "", errors.New("no user has this e-mail address; invite them with: admin user invite --lender … --email … --role …")
	}
	if err != nil {
		return "", fmt.Errorf("reading the account in Cognito: %w", err)
	}
	return subIn(out.UserAttributes)
}

func subIn(attributes []types.AttributeType) (string, error) {
	for _, attribute := range attributes {
		if aws.ToString(attribute.Name) == "sub" && aws.ToString(attribute.Value) != "" {
			return *attribute.Value, nil
		}
	}
	return "", errors.New("the account in Cognito has no sub")
}

func (a *admin) setPassword(ctx context.Context, email, password string) error {
	_, err := a.people.AdminSetUserPassword(ctx, &cognito.AdminSetUserPasswordInput{
		UserPoolId: &a.pool, Username: &email, Password: &password, Permanent: true,
	})
	if err != nil {
		return fmt.Errorf("setting the password: %w; the user is invited: run the same command again, if need be with another password", err)
	}
	return nil
}

// suspend denies the user in the table, which decides, then ends what Cognito
// would still give them: signing in, and refreshing a token.
func (a *admin) suspend(ctx context.Context, address string) (result, error) {
	email, sub, err := a.find(ctx, address)
	if err != nil {
		return result{}, err
	}
	changed, err := a.access.SuspendUser(ctx, sub)
	if err != nil {
		return result{}, explainUser(sub, err)
	}
	if _, err := a.people.AdminDisableUser(ctx, &cognito.AdminDisableUserInput{UserPoolId: &a.pool, Username: &email}); err != nil {
		return result{}, fmt.Errorf("the user is denied, but can sign in: disabling the account in Cognito: %w; run the same command again", err)
	}
	if _, err := a.people.AdminUserGlobalSignOut(ctx, &cognito.AdminUserGlobalSignOutInput{UserPoolId: &a.pool, Username: &email}); err != nil {
		return result{}, fmt.Errorf("the user is denied, but not signed out in Cognito: %w; run the same command again", err)
	}
	return a.told(ctx, changed, "suspended", sub, email)
}

// resume undoes suspend from the end, so that the user is let in last.
func (a *admin) resume(ctx context.Context, address string) (result, error) {
	email, sub, err := a.find(ctx, address)
	if err != nil {
		return result{}, err
	}
	if _, err := a.people.AdminEnableUser(ctx, &cognito.AdminEnableUserInput{UserPoolId: &a.pool, Username: &email}); err != nil {
		return result{}, fmt.Errorf("enabling the account in Cognito: %w; run the same command again", err)
	}
	changed, err := a.access.ResumeUser(ctx, sub)
	if err != nil {
		return result{}, explainUser(sub, err)
	}
	return a.told(ctx, changed, "resumed", sub, email)
}

func (a *admin) setRole(ctx context.Context, address, word string) (result, error) {
	role, err := auth.ParseRole(word)
	if err != nil {
		return result{}, err
	}
	email, sub, err := a.find(ctx, address)
	if err != nil {
		return result{}, err
	}
	changed, err := a.access.SetRole(ctx, sub, string(role))
	if err != nil {
		return result{}, explainUser(sub, err)
	}
	return a.told(ctx, changed, "changed", sub, email)
}

// keyData is a key as a program reads it. The key itself is for its owner only.
type keyData struct {
	UserID  string `json:"userId"`
	KeyID   string `json:"keyId"`
	Version int    `json:"version"`
}

func (a *admin) rotateKey(ctx context.Context, address string) (result, error) {
	sub, keyID, err := a.keyOf(ctx, address)
	if err != nil {
		return result{}, err
	}
	k, _, err := a.access.RotateAPIKey(ctx, keyID, store.Rotation{From: store.AnyVersion})
	if err != nil {
		return result{}, err
	}
	return result{
		text: fmt.Sprintf("rotated: key %s of user %s, now version %d", keyID, sub, k.Version),
		data: keyData{sub, keyID, k.Version},
	}, nil
}

func (a *admin) revokeKey(ctx context.Context, address string) (result, error) {
	sub, keyID, err := a.keyOf(ctx, address)
	if err != nil {
		return result{}, err
	}
	changed, err := a.access.RevokeAPIKey(ctx, keyID, store.AnyVersion)
	if err != nil {
		return result{}, err
	}
	words := "revoked"
	if !changed {
		words = "was revoked already"
	}
	return result{
		text: fmt.Sprintf("%s: key %s of user %s", words, keyID, sub),
		data: map[string]string{"userId": sub, "keyId": keyID},
	}, nil
}

// keyOf returns a user and the id of their API key.
func (a *admin) keyOf(ctx context.Context, address string) (sub, keyID string, err error) {
	_, sub, err = a.find(ctx, address)
	if err != nil {
		return "", "", err
	}
	u, err := a.access.User(ctx, sub)
	if err != nil {
		return "", "", explainUser(sub, err)
	}
	if u.APIKeyID == "" {
		return "", "", fmt.Errorf("user %s has no API key yet; it is made when they first ask for it", sub)
	}
	return sub, u.APIKeyID, nil
}

// told shows a user as they stand after a command.
func (a *admin) told(ctx context.Context, changed bool, words, sub, email string) (result, error) {
	u, err := a.access.User(ctx, sub)
	if err != nil {
		return result{}, err
	}
	if !changed {
		words = "nothing to change"
	}
	return tell(words, u, email), nil
}

// find returns the address as we spell it, and its account's sub.
func (a *admin) find(ctx context.Context, address string) (email, sub string, err error) {
	email, err = a.address(address)
	if err != nil {
		return "", "", err
	}
	sub, err = a.subOf(ctx, email)
	return email, sub, err
}

// address checks what every user command needs: a pool, and an e-mail address,
// which is spelt in lower case everywhere.
func (a *admin) address(s string) (string, error) {
	if a.pool == "" {
		return "", errors.New("no user pool named: give --stack or --user-pool, or set USER_POOL_ID")
	}
	parsed, err := mail.ParseAddress(s)
	if err != nil || parsed.Address != s {
		return "", errors.New("--email is not an e-mail address, such as jane@example.com")
	}
	return strings.ToLower(s), nil
}

// explainUser says what to do about an account that has no item.
func explainUser(sub string, err error) error {
	if errors.Is(err, inquiry.ErrNotFound) {
		return fmt.Errorf("user %s has an account and no lender, so they may do nothing; finish the invitation with: admin user invite --lender … --email … --role …", sub)
	}
	return err
}

// readPassword reads one line.
func readPassword(r io.Reader) (string, error) {
	line, err := io.ReadAll(io.LimitReader(r, 1024))
	if err != nil {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	password := strings.TrimRight(string(line), "\r\n")
	if password == "" || strings.ContainsAny(password, "\r\n") {
		return "", errors.New("--password-stdin needs one line with the password on standard input")
	}
	return password, nil
}
