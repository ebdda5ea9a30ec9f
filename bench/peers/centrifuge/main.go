// A server of a few lines on the Centrifuge engine: channels, and a call that is published and acknowledged.
package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/centrifugal/centrifuge"
)

type event struct {
	Type string            `json:"type"`
	ID   string            `json:"id"`
	At   string            `json:"at"`
	Data map[string]string `json:"data"`
}

type call struct {
	Channel string `json:"channel"`
}

var shanghai = time.FixedZone("", 8*3600)

// typing is the event that our own server makes of the call: the same fields, the same size.
func typing(user string) ([]byte, error) {
	var id [13]byte
	if _, err := rand.Read(id[:]); err != nil {
		return nil, err
	}
	at := time.Now().In(shanghai).Format("2006-01-02T15:04:05.000-07:00")
	return json.Marshal(event{"chat.typing", hex.EncodeToString(id[:]), at, map[string]string{"user_id": user}})
}

func answer(node *centrifuge.Node, user string, request centrifuge.RPCEvent) error {
	var about call
	if err := json.Unmarshal(request.Data, &about); err != nil {
		return centrifuge.ErrorBadRequest
	}
	data, err := typing(user)
	if err != nil {
		return err
	}
	_, err = node.Publish(about.Channel, data)
	return err
}

func main() {
	node, err := centrifuge.New(centrifuge.Config{})
	if err != nil {
		log.Fatal(err)
	}
	node.OnConnecting(func(_ context.Context, connect centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
		return centrifuge.ConnectReply{
			Credentials:   &centrifuge.Credentials{UserID: connect.Token},
			Subscriptions: map[string]centrifuge.SubscribeOptions{"user:" + connect.Token: {}},
		}, nil
	})
	node.OnConnect(func(client *centrifuge.Client) {
		client.OnSubscribe(func(_ centrifuge.SubscribeEvent, reply centrifuge.SubscribeCallback) {
			reply(centrifuge.SubscribeReply{}, nil)
		})
		client.OnRPC(func(request centrifuge.RPCEvent, reply centrifuge.RPCCallback) {
			reply(centrifuge.RPCReply{Data: []byte("{}")}, answer(node, client.UserID(), request))
		})
	})
	if err := node.Run(); err != nil {
		log.Fatal(err)
	}
	http.Handle("/connection/websocket", centrifuge.NewWebsocketHandler(node, centrifuge.WebsocketConfig{}))
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("listening")
	log.Fatal(http.Serve(listener, nil))
}
