# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_mission_control_global_optspecs
    string join \n config= data-dir= listen= public-url= mode= log= log-format= durability= h/help V/version
end

function __fish_mission_control_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_mission_control_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_mission_control_using_subcommand
    set -l cmd (__fish_mission_control_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c mission-control -n "__fish_mission_control_needs_command" -l config -d 'Configuration file [MC_CONFIG]' -r -F
complete -c mission-control -n "__fish_mission_control_needs_command" -l data-dir -d 'Where everything is kept [MC_DATA_DIR]' -r
complete -c mission-control -n "__fish_mission_control_needs_command" -l listen -d 'Address and port to listen on [MC_LISTEN]' -r
complete -c mission-control -n "__fish_mission_control_needs_command" -l public-url -d 'How browsers reach it [MC_PUBLIC_URL]' -r
complete -c mission-control -n "__fish_mission_control_needs_command" -l mode -d '`single-tenant` or `multi-tenant` [MC_MODE]' -r
complete -c mission-control -n "__fish_mission_control_needs_command" -l log -d 'Log filter [MC_LOG]' -r
complete -c mission-control -n "__fish_mission_control_needs_command" -l log-format -d '`text` or `json` [MC_LOG_FORMAT]' -r
complete -c mission-control -n "__fish_mission_control_needs_command" -l durability -d '`full` or `normal` [MC_DURABILITY]' -r
complete -c mission-control -n "__fish_mission_control_needs_command" -s h -l help -d 'Print help'
complete -c mission-control -n "__fish_mission_control_needs_command" -s V -l version -d 'Print version'
complete -c mission-control -n "__fish_mission_control_needs_command" -f -a "serve" -d 'Serve (also without a command)'
complete -c mission-control -n "__fish_mission_control_needs_command" -f -a "demo" -d 'Try it with a sample organization whose agents work; nothing is kept'
complete -c mission-control -n "__fish_mission_control_needs_command" -f -a "setup" -d 'Create the first organization and its administrator without a browser'
complete -c mission-control -n "__fish_mission_control_needs_command" -f -a "org" -d 'Create and list organizations'
complete -c mission-control -n "__fish_mission_control_needs_command" -f -a "user" -d 'Create and list members, reset passwords'
complete -c mission-control -n "__fish_mission_control_needs_command" -f -a "key" -d 'Rotate and revoke the API keys of agents'
complete -c mission-control -n "__fish_mission_control_needs_command" -f -a "config" -d 'Show the configuration'
complete -c mission-control -n "__fish_mission_control_needs_command" -f -a "openapi" -d 'Print the OpenAPI document'
complete -c mission-control -n "__fish_mission_control_needs_command" -f -a "healthcheck" -d 'Ask the running server whether it is ready'
complete -c mission-control -n "__fish_mission_control_needs_command" -f -a "migrate" -d 'Bring the database up to date without serving'
complete -c mission-control -n "__fish_mission_control_needs_command" -f -a "version" -d 'Print the version'
complete -c mission-control -n "__fish_mission_control_needs_command" -f -a "completions" -d 'Print the completions of a shell'
complete -c mission-control -n "__fish_mission_control_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c mission-control -n "__fish_mission_control_using_subcommand serve" -l config -d 'Configuration file [MC_CONFIG]' -r -F
complete -c mission-control -n "__fish_mission_control_using_subcommand serve" -l data-dir -d 'Where everything is kept [MC_DATA_DIR]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand serve" -l listen -d 'Address and port to listen on [MC_LISTEN]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand serve" -l public-url -d 'How browsers reach it [MC_PUBLIC_URL]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand serve" -l mode -d '`single-tenant` or `multi-tenant` [MC_MODE]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand serve" -l log -d 'Log filter [MC_LOG]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand serve" -l log-format -d '`text` or `json` [MC_LOG_FORMAT]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand serve" -l durability -d '`full` or `normal` [MC_DURABILITY]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand serve" -s h -l help -d 'Print help'
complete -c mission-control -n "__fish_mission_control_using_subcommand demo" -l config -d 'Configuration file [MC_CONFIG]' -r -F
complete -c mission-control -n "__fish_mission_control_using_subcommand demo" -l data-dir -d 'Where everything is kept [MC_DATA_DIR]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand demo" -l listen -d 'Address and port to listen on [MC_LISTEN]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand demo" -l public-url -d 'How browsers reach it [MC_PUBLIC_URL]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand demo" -l mode -d '`single-tenant` or `multi-tenant` [MC_MODE]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand demo" -l log -d 'Log filter [MC_LOG]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand demo" -l log-format -d '`text` or `json` [MC_LOG_FORMAT]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand demo" -l durability -d '`full` or `normal` [MC_DURABILITY]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand demo" -l json -d 'Print the sign-in as JSON'
complete -c mission-control -n "__fish_mission_control_using_subcommand demo" -s h -l help -d 'Print help'
complete -c mission-control -n "__fish_mission_control_using_subcommand setup" -l org-name -d 'The organization\'s name' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand setup" -l org-slug -d 'Its name in addresses: a-z, 0-9 and `-`' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand setup" -l email -d 'The administrator\'s sign-in address' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand setup" -l display-name -d 'The administrator\'s name' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand setup" -l password-file -d 'Where the password is (`-` = standard input); asked for when left out' -r -F
complete -c mission-control -n "__fish_mission_control_using_subcommand setup" -l config -d 'Configuration file [MC_CONFIG]' -r -F
complete -c mission-control -n "__fish_mission_control_using_subcommand setup" -l data-dir -d 'Where everything is kept [MC_DATA_DIR]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand setup" -l listen -d 'Address and port to listen on [MC_LISTEN]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand setup" -l public-url -d 'How browsers reach it [MC_PUBLIC_URL]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand setup" -l mode -d '`single-tenant` or `multi-tenant` [MC_MODE]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand setup" -l log -d 'Log filter [MC_LOG]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand setup" -l log-format -d '`text` or `json` [MC_LOG_FORMAT]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand setup" -l durability -d '`full` or `normal` [MC_DURABILITY]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand setup" -l json -d 'As JSON'
complete -c mission-control -n "__fish_mission_control_using_subcommand setup" -s h -l help -d 'Print help'
complete -c mission-control -n "__fish_mission_control_using_subcommand org; and not __fish_seen_subcommand_from create list help" -l config -d 'Configuration file [MC_CONFIG]' -r -F
complete -c mission-control -n "__fish_mission_control_using_subcommand org; and not __fish_seen_subcommand_from create list help" -l data-dir -d 'Where everything is kept [MC_DATA_DIR]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand org; and not __fish_seen_subcommand_from create list help" -l listen -d 'Address and port to listen on [MC_LISTEN]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand org; and not __fish_seen_subcommand_from create list help" -l public-url -d 'How browsers reach it [MC_PUBLIC_URL]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand org; and not __fish_seen_subcommand_from create list help" -l mode -d '`single-tenant` or `multi-tenant` [MC_MODE]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand org; and not __fish_seen_subcommand_from create list help" -l log -d 'Log filter [MC_LOG]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand org; and not __fish_seen_subcommand_from create list help" -l log-format -d '`text` or `json` [MC_LOG_FORMAT]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand org; and not __fish_seen_subcommand_from create list help" -l durability -d '`full` or `normal` [MC_DURABILITY]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand org; and not __fish_seen_subcommand_from create list help" -s h -l help -d 'Print help'
complete -c mission-control -n "__fish_mission_control_using_subcommand org; and not __fish_seen_subcommand_from create list help" -f -a "create" -d 'Create an organization; invite its administrator with `user invite`'
complete -c mission-control -n "__fish_mission_control_using_subcommand org; and not __fish_seen_subcommand_from create list help" -f -a "list" -d 'List organizations'
complete -c mission-control -n "__fish_mission_control_using_subcommand org; and not __fish_seen_subcommand_from create list help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c mission-control -n "__fish_mission_control_using_subcommand org; and __fish_seen_subcommand_from create" -l config -d 'Configuration file [MC_CONFIG]' -r -F
complete -c mission-control -n "__fish_mission_control_using_subcommand org; and __fish_seen_subcommand_from create" -l data-dir -d 'Where everything is kept [MC_DATA_DIR]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand org; and __fish_seen_subcommand_from create" -l listen -d 'Address and port to listen on [MC_LISTEN]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand org; and __fish_seen_subcommand_from create" -l public-url -d 'How browsers reach it [MC_PUBLIC_URL]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand org; and __fish_seen_subcommand_from create" -l mode -d '`single-tenant` or `multi-tenant` [MC_MODE]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand org; and __fish_seen_subcommand_from create" -l log -d 'Log filter [MC_LOG]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand org; and __fish_seen_subcommand_from create" -l log-format -d '`text` or `json` [MC_LOG_FORMAT]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand org; and __fish_seen_subcommand_from create" -l durability -d '`full` or `normal` [MC_DURABILITY]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand org; and __fish_seen_subcommand_from create" -l json -d 'As JSON'
complete -c mission-control -n "__fish_mission_control_using_subcommand org; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help'
complete -c mission-control -n "__fish_mission_control_using_subcommand org; and __fish_seen_subcommand_from list" -l config -d 'Configuration file [MC_CONFIG]' -r -F
complete -c mission-control -n "__fish_mission_control_using_subcommand org; and __fish_seen_subcommand_from list" -l data-dir -d 'Where everything is kept [MC_DATA_DIR]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand org; and __fish_seen_subcommand_from list" -l listen -d 'Address and port to listen on [MC_LISTEN]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand org; and __fish_seen_subcommand_from list" -l public-url -d 'How browsers reach it [MC_PUBLIC_URL]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand org; and __fish_seen_subcommand_from list" -l mode -d '`single-tenant` or `multi-tenant` [MC_MODE]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand org; and __fish_seen_subcommand_from list" -l log -d 'Log filter [MC_LOG]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand org; and __fish_seen_subcommand_from list" -l log-format -d '`text` or `json` [MC_LOG_FORMAT]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand org; and __fish_seen_subcommand_from list" -l durability -d '`full` or `normal` [MC_DURABILITY]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand org; and __fish_seen_subcommand_from list" -l json -d 'As JSON'
complete -c mission-control -n "__fish_mission_control_using_subcommand org; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c mission-control -n "__fish_mission_control_using_subcommand org; and __fish_seen_subcommand_from help" -f -a "create" -d 'Create an organization; invite its administrator with `user invite`'
complete -c mission-control -n "__fish_mission_control_using_subcommand org; and __fish_seen_subcommand_from help" -f -a "list" -d 'List organizations'
complete -c mission-control -n "__fish_mission_control_using_subcommand org; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and not __fish_seen_subcommand_from invite create-agent list reset-password help" -l config -d 'Configuration file [MC_CONFIG]' -r -F
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and not __fish_seen_subcommand_from invite create-agent list reset-password help" -l data-dir -d 'Where everything is kept [MC_DATA_DIR]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and not __fish_seen_subcommand_from invite create-agent list reset-password help" -l listen -d 'Address and port to listen on [MC_LISTEN]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and not __fish_seen_subcommand_from invite create-agent list reset-password help" -l public-url -d 'How browsers reach it [MC_PUBLIC_URL]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and not __fish_seen_subcommand_from invite create-agent list reset-password help" -l mode -d '`single-tenant` or `multi-tenant` [MC_MODE]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and not __fish_seen_subcommand_from invite create-agent list reset-password help" -l log -d 'Log filter [MC_LOG]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and not __fish_seen_subcommand_from invite create-agent list reset-password help" -l log-format -d '`text` or `json` [MC_LOG_FORMAT]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and not __fish_seen_subcommand_from invite create-agent list reset-password help" -l durability -d '`full` or `normal` [MC_DURABILITY]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and not __fish_seen_subcommand_from invite create-agent list reset-password help" -s h -l help -d 'Print help'
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and not __fish_seen_subcommand_from invite create-agent list reset-password help" -f -a "invite" -d 'Invite a person; prints the link that they open'
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and not __fish_seen_subcommand_from invite create-agent list reset-password help" -f -a "create-agent" -d 'Create an agent; prints its API key, once'
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and not __fish_seen_subcommand_from invite create-agent list reset-password help" -f -a "list" -d 'List the members of an organization'
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and not __fish_seen_subcommand_from invite create-agent list reset-password help" -f -a "reset-password" -d 'Make a link with which a person sets a new password, within an hour'
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and not __fish_seen_subcommand_from invite create-agent list reset-password help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from invite" -l role -d 'What they may do' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from invite" -l handle -d 'What `@…` mentions; made from the address when left out' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from invite" -l config -d 'Configuration file [MC_CONFIG]' -r -F
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from invite" -l data-dir -d 'Where everything is kept [MC_DATA_DIR]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from invite" -l listen -d 'Address and port to listen on [MC_LISTEN]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from invite" -l public-url -d 'How browsers reach it [MC_PUBLIC_URL]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from invite" -l mode -d '`single-tenant` or `multi-tenant` [MC_MODE]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from invite" -l log -d 'Log filter [MC_LOG]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from invite" -l log-format -d '`text` or `json` [MC_LOG_FORMAT]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from invite" -l durability -d '`full` or `normal` [MC_DURABILITY]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from invite" -l json -d 'As JSON'
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from invite" -s h -l help -d 'Print help'
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from create-agent" -l role -d 'What it may do' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from create-agent" -l config -d 'Configuration file [MC_CONFIG]' -r -F
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from create-agent" -l data-dir -d 'Where everything is kept [MC_DATA_DIR]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from create-agent" -l listen -d 'Address and port to listen on [MC_LISTEN]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from create-agent" -l public-url -d 'How browsers reach it [MC_PUBLIC_URL]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from create-agent" -l mode -d '`single-tenant` or `multi-tenant` [MC_MODE]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from create-agent" -l log -d 'Log filter [MC_LOG]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from create-agent" -l log-format -d '`text` or `json` [MC_LOG_FORMAT]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from create-agent" -l durability -d '`full` or `normal` [MC_DURABILITY]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from create-agent" -l json -d 'As JSON'
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from create-agent" -s h -l help -d 'Print help'
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from list" -l config -d 'Configuration file [MC_CONFIG]' -r -F
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from list" -l data-dir -d 'Where everything is kept [MC_DATA_DIR]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from list" -l listen -d 'Address and port to listen on [MC_LISTEN]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from list" -l public-url -d 'How browsers reach it [MC_PUBLIC_URL]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from list" -l mode -d '`single-tenant` or `multi-tenant` [MC_MODE]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from list" -l log -d 'Log filter [MC_LOG]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from list" -l log-format -d '`text` or `json` [MC_LOG_FORMAT]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from list" -l durability -d '`full` or `normal` [MC_DURABILITY]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from list" -l json -d 'As JSON'
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from reset-password" -l config -d 'Configuration file [MC_CONFIG]' -r -F
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from reset-password" -l data-dir -d 'Where everything is kept [MC_DATA_DIR]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from reset-password" -l listen -d 'Address and port to listen on [MC_LISTEN]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from reset-password" -l public-url -d 'How browsers reach it [MC_PUBLIC_URL]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from reset-password" -l mode -d '`single-tenant` or `multi-tenant` [MC_MODE]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from reset-password" -l log -d 'Log filter [MC_LOG]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from reset-password" -l log-format -d '`text` or `json` [MC_LOG_FORMAT]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from reset-password" -l durability -d '`full` or `normal` [MC_DURABILITY]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from reset-password" -l json -d 'As JSON'
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from reset-password" -s h -l help -d 'Print help'
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from help" -f -a "invite" -d 'Invite a person; prints the link that they open'
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from help" -f -a "create-agent" -d 'Create an agent; prints its API key, once'
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the members of an organization'
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from help" -f -a "reset-password" -d 'Make a link with which a person sets a new password, within an hour'
complete -c mission-control -n "__fish_mission_control_using_subcommand user; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c mission-control -n "__fish_mission_control_using_subcommand key; and not __fish_seen_subcommand_from rotate revoke help" -l config -d 'Configuration file [MC_CONFIG]' -r -F
complete -c mission-control -n "__fish_mission_control_using_subcommand key; and not __fish_seen_subcommand_from rotate revoke help" -l data-dir -d 'Where everything is kept [MC_DATA_DIR]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand key; and not __fish_seen_subcommand_from rotate revoke help" -l listen -d 'Address and port to listen on [MC_LISTEN]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand key; and not __fish_seen_subcommand_from rotate revoke help" -l public-url -d 'How browsers reach it [MC_PUBLIC_URL]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand key; and not __fish_seen_subcommand_from rotate revoke help" -l mode -d '`single-tenant` or `multi-tenant` [MC_MODE]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand key; and not __fish_seen_subcommand_from rotate revoke help" -l log -d 'Log filter [MC_LOG]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand key; and not __fish_seen_subcommand_from rotate revoke help" -l log-format -d '`text` or `json` [MC_LOG_FORMAT]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand key; and not __fish_seen_subcommand_from rotate revoke help" -l durability -d '`full` or `normal` [MC_DURABILITY]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand key; and not __fish_seen_subcommand_from rotate revoke help" -s h -l help -d 'Print help'
complete -c mission-control -n "__fish_mission_control_using_subcommand key; and not __fish_seen_subcommand_from rotate revoke help" -f -a "rotate" -d 'Make a new key; the old one works for the grace time'
complete -c mission-control -n "__fish_mission_control_using_subcommand key; and not __fish_seen_subcommand_from rotate revoke help" -f -a "revoke" -d 'Revoke every key of an agent, at once'
complete -c mission-control -n "__fish_mission_control_using_subcommand key; and not __fish_seen_subcommand_from rotate revoke help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c mission-control -n "__fish_mission_control_using_subcommand key; and __fish_seen_subcommand_from rotate" -l grace-hours -d 'How long the old key still works' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand key; and __fish_seen_subcommand_from rotate" -l config -d 'Configuration file [MC_CONFIG]' -r -F
complete -c mission-control -n "__fish_mission_control_using_subcommand key; and __fish_seen_subcommand_from rotate" -l data-dir -d 'Where everything is kept [MC_DATA_DIR]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand key; and __fish_seen_subcommand_from rotate" -l listen -d 'Address and port to listen on [MC_LISTEN]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand key; and __fish_seen_subcommand_from rotate" -l public-url -d 'How browsers reach it [MC_PUBLIC_URL]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand key; and __fish_seen_subcommand_from rotate" -l mode -d '`single-tenant` or `multi-tenant` [MC_MODE]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand key; and __fish_seen_subcommand_from rotate" -l log -d 'Log filter [MC_LOG]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand key; and __fish_seen_subcommand_from rotate" -l log-format -d '`text` or `json` [MC_LOG_FORMAT]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand key; and __fish_seen_subcommand_from rotate" -l durability -d '`full` or `normal` [MC_DURABILITY]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand key; and __fish_seen_subcommand_from rotate" -l json -d 'As JSON'
complete -c mission-control -n "__fish_mission_control_using_subcommand key; and __fish_seen_subcommand_from rotate" -s h -l help -d 'Print help'
complete -c mission-control -n "__fish_mission_control_using_subcommand key; and __fish_seen_subcommand_from revoke" -l config -d 'Configuration file [MC_CONFIG]' -r -F
complete -c mission-control -n "__fish_mission_control_using_subcommand key; and __fish_seen_subcommand_from revoke" -l data-dir -d 'Where everything is kept [MC_DATA_DIR]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand key; and __fish_seen_subcommand_from revoke" -l listen -d 'Address and port to listen on [MC_LISTEN]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand key; and __fish_seen_subcommand_from revoke" -l public-url -d 'How browsers reach it [MC_PUBLIC_URL]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand key; and __fish_seen_subcommand_from revoke" -l mode -d '`single-tenant` or `multi-tenant` [MC_MODE]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand key; and __fish_seen_subcommand_from revoke" -l log -d 'Log filter [MC_LOG]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand key; and __fish_seen_subcommand_from revoke" -l log-format -d '`text` or `json` [MC_LOG_FORMAT]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand key; and __fish_seen_subcommand_from revoke" -l durability -d '`full` or `normal` [MC_DURABILITY]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand key; and __fish_seen_subcommand_from revoke" -l json -d 'As JSON'
complete -c mission-control -n "__fish_mission_control_using_subcommand key; and __fish_seen_subcommand_from revoke" -s h -l help -d 'Print help'
complete -c mission-control -n "__fish_mission_control_using_subcommand key; and __fish_seen_subcommand_from help" -f -a "rotate" -d 'Make a new key; the old one works for the grace time'
complete -c mission-control -n "__fish_mission_control_using_subcommand key; and __fish_seen_subcommand_from help" -f -a "revoke" -d 'Revoke every key of an agent, at once'
complete -c mission-control -n "__fish_mission_control_using_subcommand key; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c mission-control -n "__fish_mission_control_using_subcommand config; and not __fish_seen_subcommand_from show help" -l config -d 'Configuration file [MC_CONFIG]' -r -F
complete -c mission-control -n "__fish_mission_control_using_subcommand config; and not __fish_seen_subcommand_from show help" -l data-dir -d 'Where everything is kept [MC_DATA_DIR]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand config; and not __fish_seen_subcommand_from show help" -l listen -d 'Address and port to listen on [MC_LISTEN]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand config; and not __fish_seen_subcommand_from show help" -l public-url -d 'How browsers reach it [MC_PUBLIC_URL]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand config; and not __fish_seen_subcommand_from show help" -l mode -d '`single-tenant` or `multi-tenant` [MC_MODE]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand config; and not __fish_seen_subcommand_from show help" -l log -d 'Log filter [MC_LOG]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand config; and not __fish_seen_subcommand_from show help" -l log-format -d '`text` or `json` [MC_LOG_FORMAT]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand config; and not __fish_seen_subcommand_from show help" -l durability -d '`full` or `normal` [MC_DURABILITY]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand config; and not __fish_seen_subcommand_from show help" -s h -l help -d 'Print help'
complete -c mission-control -n "__fish_mission_control_using_subcommand config; and not __fish_seen_subcommand_from show help" -f -a "show" -d 'Print every setting and where it came from, secrets masked'
complete -c mission-control -n "__fish_mission_control_using_subcommand config; and not __fish_seen_subcommand_from show help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c mission-control -n "__fish_mission_control_using_subcommand config; and __fish_seen_subcommand_from show" -l config -d 'Configuration file [MC_CONFIG]' -r -F
complete -c mission-control -n "__fish_mission_control_using_subcommand config; and __fish_seen_subcommand_from show" -l data-dir -d 'Where everything is kept [MC_DATA_DIR]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand config; and __fish_seen_subcommand_from show" -l listen -d 'Address and port to listen on [MC_LISTEN]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand config; and __fish_seen_subcommand_from show" -l public-url -d 'How browsers reach it [MC_PUBLIC_URL]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand config; and __fish_seen_subcommand_from show" -l mode -d '`single-tenant` or `multi-tenant` [MC_MODE]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand config; and __fish_seen_subcommand_from show" -l log -d 'Log filter [MC_LOG]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand config; and __fish_seen_subcommand_from show" -l log-format -d '`text` or `json` [MC_LOG_FORMAT]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand config; and __fish_seen_subcommand_from show" -l durability -d '`full` or `normal` [MC_DURABILITY]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand config; and __fish_seen_subcommand_from show" -l json -d 'As JSON'
complete -c mission-control -n "__fish_mission_control_using_subcommand config; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c mission-control -n "__fish_mission_control_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "show" -d 'Print every setting and where it came from, secrets masked'
complete -c mission-control -n "__fish_mission_control_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c mission-control -n "__fish_mission_control_using_subcommand openapi" -l config -d 'Configuration file [MC_CONFIG]' -r -F
complete -c mission-control -n "__fish_mission_control_using_subcommand openapi" -l data-dir -d 'Where everything is kept [MC_DATA_DIR]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand openapi" -l listen -d 'Address and port to listen on [MC_LISTEN]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand openapi" -l public-url -d 'How browsers reach it [MC_PUBLIC_URL]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand openapi" -l mode -d '`single-tenant` or `multi-tenant` [MC_MODE]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand openapi" -l log -d 'Log filter [MC_LOG]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand openapi" -l log-format -d '`text` or `json` [MC_LOG_FORMAT]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand openapi" -l durability -d '`full` or `normal` [MC_DURABILITY]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand openapi" -s h -l help -d 'Print help'
complete -c mission-control -n "__fish_mission_control_using_subcommand healthcheck" -l config -d 'Configuration file [MC_CONFIG]' -r -F
complete -c mission-control -n "__fish_mission_control_using_subcommand healthcheck" -l data-dir -d 'Where everything is kept [MC_DATA_DIR]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand healthcheck" -l listen -d 'Address and port to listen on [MC_LISTEN]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand healthcheck" -l public-url -d 'How browsers reach it [MC_PUBLIC_URL]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand healthcheck" -l mode -d '`single-tenant` or `multi-tenant` [MC_MODE]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand healthcheck" -l log -d 'Log filter [MC_LOG]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand healthcheck" -l log-format -d '`text` or `json` [MC_LOG_FORMAT]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand healthcheck" -l durability -d '`full` or `normal` [MC_DURABILITY]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand healthcheck" -s h -l help -d 'Print help'
complete -c mission-control -n "__fish_mission_control_using_subcommand migrate" -l config -d 'Configuration file [MC_CONFIG]' -r -F
complete -c mission-control -n "__fish_mission_control_using_subcommand migrate" -l data-dir -d 'Where everything is kept [MC_DATA_DIR]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand migrate" -l listen -d 'Address and port to listen on [MC_LISTEN]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand migrate" -l public-url -d 'How browsers reach it [MC_PUBLIC_URL]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand migrate" -l mode -d '`single-tenant` or `multi-tenant` [MC_MODE]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand migrate" -l log -d 'Log filter [MC_LOG]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand migrate" -l log-format -d '`text` or `json` [MC_LOG_FORMAT]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand migrate" -l durability -d '`full` or `normal` [MC_DURABILITY]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand migrate" -l dry-run -d 'Only say what would be done'
complete -c mission-control -n "__fish_mission_control_using_subcommand migrate" -l json -d 'As JSON'
complete -c mission-control -n "__fish_mission_control_using_subcommand migrate" -s h -l help -d 'Print help'
complete -c mission-control -n "__fish_mission_control_using_subcommand version" -l config -d 'Configuration file [MC_CONFIG]' -r -F
complete -c mission-control -n "__fish_mission_control_using_subcommand version" -l data-dir -d 'Where everything is kept [MC_DATA_DIR]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand version" -l listen -d 'Address and port to listen on [MC_LISTEN]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand version" -l public-url -d 'How browsers reach it [MC_PUBLIC_URL]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand version" -l mode -d '`single-tenant` or `multi-tenant` [MC_MODE]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand version" -l log -d 'Log filter [MC_LOG]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand version" -l log-format -d '`text` or `json` [MC_LOG_FORMAT]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand version" -l durability -d '`full` or `normal` [MC_DURABILITY]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand version" -l json -d 'As JSON'
complete -c mission-control -n "__fish_mission_control_using_subcommand version" -s h -l help -d 'Print help'
complete -c mission-control -n "__fish_mission_control_using_subcommand completions" -l config -d 'Configuration file [MC_CONFIG]' -r -F
complete -c mission-control -n "__fish_mission_control_using_subcommand completions" -l data-dir -d 'Where everything is kept [MC_DATA_DIR]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand completions" -l listen -d 'Address and port to listen on [MC_LISTEN]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand completions" -l public-url -d 'How browsers reach it [MC_PUBLIC_URL]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand completions" -l mode -d '`single-tenant` or `multi-tenant` [MC_MODE]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand completions" -l log -d 'Log filter [MC_LOG]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand completions" -l log-format -d '`text` or `json` [MC_LOG_FORMAT]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand completions" -l durability -d '`full` or `normal` [MC_DURABILITY]' -r
complete -c mission-control -n "__fish_mission_control_using_subcommand completions" -s h -l help -d 'Print help'
complete -c mission-control -n "__fish_mission_control_using_subcommand help; and not __fish_seen_subcommand_from serve demo setup org user key config openapi healthcheck migrate version completions help" -f -a "serve" -d 'Serve (also without a command)'
complete -c mission-control -n "__fish_mission_control_using_subcommand help; and not __fish_seen_subcommand_from serve demo setup org user key config openapi healthcheck migrate version completions help" -f -a "demo" -d 'Try it with a sample organization whose agents work; nothing is kept'
complete -c mission-control -n "__fish_mission_control_using_subcommand help; and not __fish_seen_subcommand_from serve demo setup org user key config openapi healthcheck migrate version completions help" -f -a "setup" -d 'Create the first organization and its administrator without a browser'
complete -c mission-control -n "__fish_mission_control_using_subcommand help; and not __fish_seen_subcommand_from serve demo setup org user key config openapi healthcheck migrate version completions help" -f -a "org" -d 'Create and list organizations'
complete -c mission-control -n "__fish_mission_control_using_subcommand help; and not __fish_seen_subcommand_from serve demo setup org user key config openapi healthcheck migrate version completions help" -f -a "user" -d 'Create and list members, reset passwords'
complete -c mission-control -n "__fish_mission_control_using_subcommand help; and not __fish_seen_subcommand_from serve demo setup org user key config openapi healthcheck migrate version completions help" -f -a "key" -d 'Rotate and revoke the API keys of agents'
complete -c mission-control -n "__fish_mission_control_using_subcommand help; and not __fish_seen_subcommand_from serve demo setup org user key config openapi healthcheck migrate version completions help" -f -a "config" -d 'Show the configuration'
complete -c mission-control -n "__fish_mission_control_using_subcommand help; and not __fish_seen_subcommand_from serve demo setup org user key config openapi healthcheck migrate version completions help" -f -a "openapi" -d 'Print the OpenAPI document'
complete -c mission-control -n "__fish_mission_control_using_subcommand help; and not __fish_seen_subcommand_from serve demo setup org user key config openapi healthcheck migrate version completions help" -f -a "healthcheck" -d 'Ask the running server whether it is ready'
complete -c mission-control -n "__fish_mission_control_using_subcommand help; and not __fish_seen_subcommand_from serve demo setup org user key config openapi healthcheck migrate version completions help" -f -a "migrate" -d 'Bring the database up to date without serving'
complete -c mission-control -n "__fish_mission_control_using_subcommand help; and not __fish_seen_subcommand_from serve demo setup org user key config openapi healthcheck migrate version completions help" -f -a "version" -d 'Print the version'
complete -c mission-control -n "__fish_mission_control_using_subcommand help; and not __fish_seen_subcommand_from serve demo setup org user key config openapi healthcheck migrate version completions help" -f -a "completions" -d 'Print the completions of a shell'
complete -c mission-control -n "__fish_mission_control_using_subcommand help; and not __fish_seen_subcommand_from serve demo setup org user key config openapi healthcheck migrate version completions help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c mission-control -n "__fish_mission_control_using_subcommand help; and __fish_seen_subcommand_from org" -f -a "create" -d 'Create an organization; invite its administrator with `user invite`'
complete -c mission-control -n "__fish_mission_control_using_subcommand help; and __fish_seen_subcommand_from org" -f -a "list" -d 'List organizations'
complete -c mission-control -n "__fish_mission_control_using_subcommand help; and __fish_seen_subcommand_from user" -f -a "invite" -d 'Invite a person; prints the link that they open'
complete -c mission-control -n "__fish_mission_control_using_subcommand help; and __fish_seen_subcommand_from user" -f -a "create-agent" -d 'Create an agent; prints its API key, once'
complete -c mission-control -n "__fish_mission_control_using_subcommand help; and __fish_seen_subcommand_from user" -f -a "list" -d 'List the members of an organization'
complete -c mission-control -n "__fish_mission_control_using_subcommand help; and __fish_seen_subcommand_from user" -f -a "reset-password" -d 'Make a link with which a person sets a new password, within an hour'
complete -c mission-control -n "__fish_mission_control_using_subcommand help; and __fish_seen_subcommand_from key" -f -a "rotate" -d 'Make a new key; the old one works for the grace time'
complete -c mission-control -n "__fish_mission_control_using_subcommand help; and __fish_seen_subcommand_from key" -f -a "revoke" -d 'Revoke every key of an agent, at once'
complete -c mission-control -n "__fish_mission_control_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "show" -d 'Print every setting and where it came from, secrets masked'
