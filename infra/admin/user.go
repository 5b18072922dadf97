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
	user := group("user", "Manage users, the people who act for a lender")

	var invite *cobra.Command
	invite = command("invite", "Invite a person to act for a lender", run(func(ctx context.Context, a *admin) (result, error) {
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
		"read a permanent password from standard input instead of sending an invitation by email (for demos and tests)")

	user.AddCommand(invite,
		command("suspend", "Suspend a user: they and their API key lose access, reading within a minute and everything else at once", run(func(ctx context.Context, a *admin) (result, error) {
			return a.suspend(ctx, email)
		}), map[string]*string{"email": &email}),
		command("resume", "Resume a suspended user", run(func(ctx context.Context, a *admin) (result, error) {
			return a.resume(ctx, email)
		}), map[string]*string{"email": &email}),
		command("set-role", "Change a user's role", run(func(ctx context.Context, a *admin) (result, error) {
			return a.setRole(ctx, email, role)
		}), map[string]*string{"email": &email, "role": &role}),
		command("rotate-key", "Replace a user's API key; only the user can read the new one", run(func(ctx context.Context, a *admin) (result, error) {
			return a.rotateKey(ctx, email)
		}), map[string]*string{"email": &email}),
		command("revoke-key", "Revoke a user's API key", run(func(ctx context.Context, a *admin) (result, error) {
			return a.revokeKey(ctx, email)
		}), map[string]*string{"email": &email}),
	)
	return user
}

// userData is a user in JSON output.
type userData struct {
	UserID   string           `json:"userId"`
	LenderID inquiry.LenderID `json:"lenderId"`
	Email    string           `json:"email"`
	Role     string           `json:"role"`
}

// userResult returns a result with a sentence about what happened, followed by the
// user. The text does not contain the email address, because terminals get logged.
func userResult(sentence string, u store.User, email string) result {
	return result{
		text: fmt.Sprintf(`%s
  Lender:  %s
  Role:    %s
  Status:  %s`, sentence, u.LenderID, u.Role, u.Status),
		data: userData{u.ID, u.LenderID, email, u.Role},
	}
}

// invitation is the input of "user invite".
type invitation struct {
	lender   inquiry.LenderID
	email    string
	role     string
	password string // empty lets Cognito invite the person by email
}

// invite creates the account in Cognito, then the item in the table. It sets the
// password last, once it is certain that the account belongs to this lender.
func (a *admin) invite(ctx context.Context, in invitation) (result, error) {
	email, err := a.checkEmail(in.email)
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
		return result{}, fmt.Errorf("the user has an account, but no access yet: %w; run the same command again to finish", err)
	}
	if user.LenderID != in.lender {
		return result{}, fmt.Errorf("user %s already belongs to lender %s; a person needs a separate email address for each lender", sub, user.LenderID)
	}
	if user.Role != string(role) {
		return result{}, fmt.Errorf("user %s already has the role %s; change it with: admin user set-role --role %s --email …", sub, user.Role, role)
	}
	if in.password != "" {
		if err := a.setPassword(ctx, email, in.password); err != nil {
			return result{}, err
		}
	}
	return userResult("User "+sub+" "+whatInvited(added, in.password != ""), user, email), nil
}

// whatInvited returns the end of the sentence about an invitation.
func whatInvited(added, withPassword bool) string {
	switch {
	case added && withPassword:
		return "was added, and can sign in with this password."
	case added:
		return "was added. If the account is new, Cognito sends an invitation by email."
	case withPassword:
		return "already exists; only the password was set."
	default:
		return "already exists; nothing was changed."
	}
}

// account returns the sub of the Cognito account with this address. It creates the
// account if it does not exist.
func (a *admin) account(ctx context.Context, email string, sendInvitation bool) (sub string, err error) {
	in := &cognito.AdminCreateUserInput{
		UserPoolId: &a.poolID,
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
	out, err := a.userPool.AdminCreateUser(ctx, in)
	if _, exists := errors.AsType[*types.UsernameExistsException](err); exists {
		return a.subOf(ctx, email)
	}
	if err != nil {
		return "", fmt.Errorf("creating the account in Cognito: %w; run the same command again", err)
	}
	return subAttribute(out.User.Attributes)
}

// subOf returns the sub of an existing account.
func (a *admin) subOf(ctx context.Context, email string) (string, error) {
	out, err := a.userPool.AdminGetUser(ctx, &cognito.AdminGetUserInput{UserPoolId: &a.poolID, Username: &email})
	if _, absent := errors.AsType[*types.UserNotFoundException](err); absent {
		return "", errors.New("no user has this email address; invite them with: admin user invite --lender … --email … --role …")
	}
	if err != nil {
		return "", fmt.Errorf("reading the account in Cognito: %w", err)
	}
	return subAttribute(out.UserAttributes)
}

func subAttribute(attributes []types.AttributeType) (string, error) {
	for _, attribute := range attributes {
		if aws.ToString(attribute.Name) == "sub" && aws.ToString(attribute.Value) != "" {
			return *attribute.Value, nil
		}
	}
	return "", errors.New("the account in Cognito has no sub")
}

func (a *admin) setPassword(ctx context.Context, email, password string) error {
	_, err := a.userPool.AdminSetUserPassword(ctx, &cognito.AdminSetUserPasswordInput{
		UserPoolId: &a.poolID, Username: &email, Password: &password, Permanent: true,
	})
	if err != nil {
		return fmt.Errorf("the user was added, but the password could not be set: %w; run the same command again, with another password if Cognito rejects this one", err)
	}
	return nil
}

// suspend first denies access in the table, because the table decides who has access.
// Then it stops the user from signing in and from refreshing tokens in Cognito.
func (a *admin) suspend(ctx context.Context, address string) (result, error) {
	email, sub, err := a.findAccount(ctx, address)
	if err != nil {
		return result{}, err
	}
	changed, err := a.access.SuspendUser(ctx, sub)
	if err != nil {
		return result{}, explainUser(sub, err)
	}
	if _, err := a.userPool.AdminDisableUser(ctx, &cognito.AdminDisableUserInput{UserPoolId: &a.poolID, Username: &email}); err != nil {
		return result{}, fmt.Errorf("user %s lost access, but can still sign in: disabling the account in Cognito: %w; run the same command again to finish", sub, err)
	}
	if _, err := a.userPool.AdminUserGlobalSignOut(ctx, &cognito.AdminUserGlobalSignOutInput{UserPoolId: &a.poolID, Username: &email}); err != nil {
		return result{}, fmt.Errorf("user %s lost access, but is not signed out: signing out in Cognito: %w; run the same command again to finish", sub, err)
	}
	return a.changedUser(ctx, whatChanged(changed, "is now suspended, and loses access: reading within a minute, everything else at once", "was already suspended"), sub, email)
}

// resume undoes suspend in reverse order, so that access comes last.
func (a *admin) resume(ctx context.Context, address string) (result, error) {
	email, sub, err := a.findAccount(ctx, address)
	if err != nil {
		return result{}, err
	}
	if _, err := a.userPool.AdminEnableUser(ctx, &cognito.AdminEnableUserInput{UserPoolId: &a.poolID, Username: &email}); err != nil {
		return result{}, fmt.Errorf("user %s is still suspended: enabling the account in Cognito: %w; run the same command again", sub, err)
	}
	changed, err := a.access.ResumeUser(ctx, sub)
	if err != nil {
		return result{}, explainUser(sub, err)
	}
	return a.changedUser(ctx, whatChanged(changed, "is active again, and regains access within a minute", "was already active"), sub, email)
}

func (a *admin) setRole(ctx context.Context, address, word string) (result, error) {
	role, err := auth.ParseRole(word)
	if err != nil {
		return result{}, err
	}
	email, sub, err := a.findAccount(ctx, address)
	if err != nil {
		return result{}, err
	}
	changed, err := a.access.SetRole(ctx, sub, string(role))
	if err != nil {
		return result{}, explainUser(sub, err)
	}
	return a.changedUser(ctx, whatChanged(changed, "now has this role. It takes effect at once if it allows less than before, and within a minute if it allows more", "already had this role"), sub, email)
}

// keyData is an API key in JSON output, without the key itself, which only its owner
// may see.
type keyData struct {
	UserID  string `json:"userId"`
	KeyID   string `json:"keyId"`
	Version int    `json:"version"`
}

func (a *admin) rotateKey(ctx context.Context, address string) (result, error) {
	if a.generation == 0 {
		return result{}, errors.New("the generation of the master key is not known; pass --stack, or set MASTER_KEY_GENERATION")
	}
	sub, keyID, err := a.keyOf(ctx, address)
	if err != nil {
		return result{}, err
	}
	k, _, err := a.access.RotateAPIKey(ctx, keyID, store.Rotation{Generation: a.generation})
	if err != nil {
		return result{}, err
	}
	return result{
		text: fmt.Sprintf("API key %s of user %s was replaced by version %d. The old version stops working: reading within a minute, everything else at once. The user can read the new one after signing in.", keyID, sub, k.Version),
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
	return result{
		text: fmt.Sprintf("API key %s of user %s %s", keyID, sub,
			whatChanged(changed, "was revoked, and stops working: reading within a minute, everything else at once; issue a new one with: admin user rotate-key --email …", "was already revoked")),
		data: map[string]string{"userId": sub, "keyId": keyID},
	}, nil
}

// keyOf returns a user's sub and the ID of their API key.
func (a *admin) keyOf(ctx context.Context, address string) (sub, keyID string, err error) {
	_, sub, err = a.findAccount(ctx, address)
	if err != nil {
		return "", "", err
	}
	u, err := a.access.User(ctx, sub)
	if err != nil {
		return "", "", explainUser(sub, err)
	}
	if u.APIKeyID == "" {
		return "", "", fmt.Errorf("user %s has no API key yet; it is created when they first read it", sub)
	}
	return sub, u.APIKeyID, nil
}

// changedUser returns the result of a change: the user after it.
func (a *admin) changedUser(ctx context.Context, predicate, sub, email string) (result, error) {
	u, err := a.access.User(ctx, sub)
	if err != nil {
		return result{}, err
	}
	return userResult("User "+sub+" "+predicate, u, email), nil
}

// findAccount returns the address in lower case, and the sub of its account.
func (a *admin) findAccount(ctx context.Context, address string) (email, sub string, err error) {
	email, err = a.checkEmail(address)
	if err != nil {
		return "", "", err
	}
	sub, err = a.subOf(ctx, email)
	return email, sub, err
}

// checkEmail checks what every user command needs, a user pool and an email address,
// and returns the address in lower case.
func (a *admin) checkEmail(s string) (string, error) {
	if a.poolID == "" {
		return "", errors.New("the user pool is not known; pass --stack or --user-pool, or set USER_POOL_ID")
	}
	parsed, err := mail.ParseAddress(s)
	if err != nil || parsed.Address != s {
		return "", errors.New("--email must be an email address, such as jane@example.com")
	}
	return strings.ToLower(s), nil
}

// explainUser says what to do about an account that has no item.
func explainUser(sub string, err error) error {
	if errors.Is(err, inquiry.ErrNotFound) {
		return fmt.Errorf("user %s has an account but no lender, and therefore no access; finish the invitation with: admin user invite --lender … --email … --role …", sub)
	}
	return err
}

// readPassword reads a password, which must be the only line.
func readPassword(r io.Reader) (string, error) {
	line, err := io.ReadAll(io.LimitReader(r, 1024))
	if err != nil {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	password := strings.TrimRight(string(line), "\r\n")
	if password == "" || strings.ContainsAny(password, "\r\n") {
		return "", errors.New("--password-stdin needs exactly one line on standard input, the password")
	}
	return password, nil
}
