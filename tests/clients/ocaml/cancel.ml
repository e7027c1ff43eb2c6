(* Cohttp over Lwt, with Client.call and a body made from a text. *)
open Lwt.Infix
open Cohttp
open Cohttp_lwt_unix

let body =
  Printf.sprintf
    "{\r\n    \"client_id\": \"%s\",\r\n    \"exchange_order_id\": \"%s\",\r\n    \"execution_type\": \"BO\",\r\n    \
     \"leg_order_indicator\": \"ENTRY\",\r\n    \"oms_order_id\": \"%s\",\r\n    \"status\": \"CONFIRMED\"\r\n}"
    Sys.argv.(3) Sys.argv.(4) Sys.argv.(5)

let said =
  let headers =
    Header.of_list
      [ ("x-device-type", "WEB"); ("x-authorization-token", Sys.argv.(2)); ("content-type", "application/json") ]
  in
  Client.call ~headers ~body:(Cohttp_lwt.Body.of_string body) `DELETE (Uri.of_string Sys.argv.(1))
  >>= fun (reply, body) ->
  Cohttp_lwt.Body.to_string body >|= fun text ->
  Printf.sprintf "%d\n%s" (Code.code_of_status (Response.status reply)) text

let () = print_string (Lwt_main.run said)
